import MeshCore
import MeshTLS
import Testing

@Suite("TLS credential")
struct CredentialTests {
    @Test("says whose it is and how long it lasts")
    func describesItself() throws {
        let credential = try Fixture.credential("chained")
        #expect(try credential.identity == Fixture.id("chained"))
        #expect(credential.notBefore == 1_577_836_800)
        #expect(credential.notAfter == 4_733_510_400)
        #expect(credential.rootCount == 1)
        #expect(credential.skippedRoots.isEmpty)
        #expect(!credential.serialNumber.isEmpty)
        #expect(credential.serialNumber.allSatisfy { $0.isNumber })
    }

    @Test("a bundle of several roots trusts each, and passes over what is none")
    func readsBundle() throws {
        var pem = try Fixture.pem("front")
        let broken = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n"
        pem.trustBundle = try Array(
            ("# roots\n" + Fixture.text("root.pem") + broken + Fixture.text("other-root.pem")).utf8)
        let credential = try TLSCredential(pem)
        #expect(credential.rootCount == 2)
        #expect(credential.skippedRoots.count == 1)
        let pair = try Pair(client: Fixture.credential("stranger"), server: credential)
        pair.settle()
        #expect(pair.server.step == .done)
    }

    @Test("the same root twice is one root more, not an error")
    func acceptsRepeatedRoot() throws {
        var pem = try Fixture.pem("front")
        pem.trustBundle += pem.trustBundle
        #expect(try TLSCredential(pem).rootCount == 2)
    }

    @Test("an intermediate may serve as the root")
    func acceptsIntermediateAsRoot() throws {
        let chain = try Fixture.text("chained.pem")
        let end = "-----END CERTIFICATE-----\n"
        let blocks = chain.components(endingWith: end)
        try #require(blocks.count == 2)
        var pem = try Fixture.pem("cart")
        pem.trustBundle = Array(blocks[1].utf8)
        let client = try TLSCredential(pem)
        let pair = try Pair(client: client, server: Fixture.credential("chained"))
        pair.settle()
        #expect(pair.client.step == .done)
    }

    @Test("a key of another certificate is refused")
    func refusesForeignKey() throws {
        let pem = try Fixture.pem("front", key: "cart.key.pem")
        #expect(throws: TLSError.keyMismatch(leaf: "spiffe://cluster.local/ns/web/sa/front")) { try TLSCredential(pem) }
    }

    @Test("an expired leaf is refused")
    func refusesExpired() throws {
        let pem = try Fixture.pem("expired")
        let expected = TLSError.expired(leaf: "spiffe://cluster.local/ns/web/sa/expired", notAfter: 1_609_459_200)
        #expect(throws: expected) { try TLSCredential(pem) }
        #expect(expected.description.contains("2021-01-01T00:00:00Z"))
    }

    @Test("a leaf without exactly one SPIFFE ID is refused", arguments: ["no-identity", "twice"])
    func refusesIdentities(name: String) throws {
        let pem = try Fixture.pem(name)
        let error = #expect(throws: TLSError.self) { try TLSCredential(pem) }
        guard case .notASPIFFEID(let uris)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(uris.count == (name == "twice" ? 2 : 1))
    }

    @Test("an encrypted key is refused without asking for its password")
    func refusesEncryptedKey() throws {
        let pem = try Fixture.pem("front", key: "front.encrypted.key.pem")
        let error = #expect(throws: TLSError.self) { try TLSCredential(pem) }
        guard case .privateKey? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "each part that is missing or no PEM is named", arguments: ["", "no pem", "-----BEGIN CERTIFICATE-----\nxx\n"])
    func namesWhatIsBroken(text: String) throws {
        let good = try Fixture.pem("front")
        var pem = good
        pem.certificateChain = Array(text.utf8)
        guard case .certificateChain? = #expect(throws: TLSError.self, performing: { try TLSCredential(pem) }) else {
            Issue.record("chain")
            return
        }
        pem = good
        pem.privateKey = Array(text.utf8)
        guard case .privateKey? = #expect(throws: TLSError.self, performing: { try TLSCredential(pem) }) else {
            Issue.record("key")
            return
        }
        pem = good
        pem.trustBundle = Array(text.utf8)
        guard case .trustBundle? = #expect(throws: TLSError.self, performing: { try TLSCredential(pem) }) else {
            Issue.record("bundle")
            return
        }
    }

    @Test("every truncation of a chain either fails or is a shorter chain")
    func survivesTruncation() throws {
        var pem = try Fixture.pem("chained")
        let whole = pem.certificateChain
        for length in stride(from: 0, to: whole.count, by: 3) {
            pem.certificateChain = Array(whole[..<length])
            if let credential = try? TLSCredential(pem) {
                #expect(try credential.identity == Fixture.id("chained"))
            }
        }
    }

    @Test("options that libssl does not know are refused")
    func refusesOptions() throws {
        let pem = try Fixture.pem("front")
        for change: @Sendable (inout TLSOptions) -> Void in [
            { $0.cipherSuites = [] }, { $0.recordsPerKey = 0 }, { $0.groups = "no such group" },
        ] {
            var options = TLSOptions()
            change(&options)
            let error = #expect(throws: TLSError.self) { try TLSCredential(pem, options: options) }
            guard case .options? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("groups are those of the options")
    func usesGroups() throws {
        var (one, other) = (TLSOptions(), TLSOptions())
        one.groups = "P-384"
        other.groups = "P-256"
        let pair = try Pair(
            client: Fixture.credential("cart", options: one), server: Fixture.credential("front", options: other))
        pair.settle()
        #expect(pair.client.failure == .peerAlert("handshake_failure"))
    }

    @Test("the key is not printed")
    func hidesKey() throws {
        let pem = try Fixture.pem("front")
        #expect(!"\(pem)".contains("PRIVATE"))
        #expect(!String(reflecting: pem).contains("PRIVATE"))
        var dumped = ""
        dump(pem, to: &dumped)
        #expect(dumped.split(separator: "\n").count == 1)
    }
}

extension String {
    /// The pieces of a text that each end with `mark`.
    func components(endingWith mark: String) -> [String] {
        var (rest, pieces) = (self[...], [String]())
        while let range = rest.firstRange(of: mark) {
            pieces.append(String(rest[..<range.upperBound]))
            rest = rest[range.upperBound...]
        }
        return pieces
    }
}
