import MeshCA
import MeshTestSupport
import Testing
import X509

@Suite("Revocation by the authority")
struct RevocationIssuerTests {
    static let now = ManualClock.start

    func authority(_ store: MemoryStore, _ now: Int64 = now) async throws -> CertificateAuthority {
        try await store.load().authority(trustDomain: nil, now: now)
    }

    func leaf(_ authority: CertificateAuthority, _ now: Int64 = now) throws -> IssuedLeaf {
        try authority.issue(signingRequest(), to: [identity("a", "b")], now: now)
    }

    func serial(_ leaf: IssuedLeaf) -> [UInt8] { Array(leaf.certificate.serialNumber.bytes) }

    @Test("makes lists that openssl verifies with, and that say why", arguments: [TestKey.p256, .p384, .rsa, .ed25519])
    func openssl(kind: TestKey) async throws {
        let now = SystemWallClock().seconds
        let root = try TestIssuer.live("root", key: kind)
        let store = MemoryStore([
            .certificate: try root.pem, .key: try root.keyPEM, .chain: "", .roots: try root.pem,
            .settings: "trustDomain: cluster.local\n",
        ])
        let authority = try await authority(store, now)
        let (bad, good) = (try leaf(authority, now), try leaf(authority, now))
        let issued = try await RevocationIssuer(store).issue(
            revoking: [serial(bad)], reason: .keyCompromise, now: now)
        #expect(issued.number == 1 && issued.revoked == 1)
        let folder = try TemporaryFolder()
        let files = (
            roots: try folder.write("roots", try root.pem), list: try folder.write("list", issued.pem),
            bad: try folder.write("bad", bad.pem), good: try folder.write("good", good.pem)
        )
        let base = ["verify", "-x509_strict", "-crl_check", "-CAfile", files.roots, "-CRLfile", files.list]
        #expect(try MeshTestSupport.openssl(base + [files.good]).status == 0)
        let refused = try MeshTestSupport.openssl(base + [files.bad])
        #expect(refused.status != 0 && refused.output.contains("revoked"))
        let text = try MeshTestSupport.openssl(["crl", "-noout", "-text", "-in", files.list]).output
        #expect(text.contains("Key Compromise"))
        #expect(text.contains("X509v3 Authority Key Identifier"))
    }

    @Test("adds to the lists before, counts them, and revokes nothing twice")
    func adds() async throws {
        let store = try MemoryStore.made()
        let revocation = RevocationIssuer(store)
        let leaf = try leaf(try await authority(store))
        #expect(try await revocation.issue(now: Self.now).revoked == 0)
        #expect(try await revocation.issue(revoking: [serial(leaf)], now: Self.now).revoked == 1)
        let again = try await revocation.issue(revoking: [[0] + serial(leaf), [7]], now: Self.now)
        #expect(again.number == 3 && again.revoked == 2)
        let lists = try await authority(store).material.revocations
        #expect(lists.map { $0.revokes(leaf.certificate) } == [true])
    }

    @Test("forgets an entry only when no such certificate can live any more")
    func forgets() async throws {
        let store = try MemoryStore.made()
        store.set(.state, "longest: \(90 * day)\n")
        let revocation = RevocationIssuer(store)
        _ = try await revocation.issue(revoking: [[5]], now: Self.now)
        let end = Self.now + 97 * day
        #expect(try await revocation.issue(now: end - 1).revoked == 1)
        #expect(try await revocation.issue(now: end).revoked == 0)
    }

    @Test("keeps what it does not know how long to keep")
    func keeps() async throws {
        let store = try MemoryStore.made()
        let revocation = RevocationIssuer(store)
        _ = try await revocation.issue(revoking: [[5]], now: Self.now)
        #expect(try await revocation.issue(now: Self.now + 300 * day).revoked == 1)
    }

    @Test("signs fresh lists at half of their time, and none where there are none")
    func refreshes() async throws {
        let store = try MemoryStore.made()
        let revocation = RevocationIssuer(store)
        #expect(try await revocation.refresh(authority(store), hasPrevious: false, now: Self.now) == nil)
        _ = try await revocation.issue(now: Self.now)
        let half = Self.now + revocation.validity / 2
        #expect(try await revocation.refresh(authority(store), hasPrevious: false, now: half - 1) == nil)
        #expect(try await revocation.refresh(authority(store), hasPrevious: false, now: half)?.number == 2)
    }

    @Test("is said again by the next root, and ends with the root that was revoked under")
    func rotation() async throws {
        let store = try MemoryStore.made()
        let revocation = RevocationIssuer(store)
        let bad = try leaf(try await authority(store))
        _ = try await revocation.issue(revoking: [serial(bad)], now: Self.now)
        let rotation = AuthorityRotation(store)
        let begun = try await rotation.begin(overlap: 60, now: Self.now)
        _ = try await rotation.advance(now: begun.until)
        let switched = try await authority(store, begun.until)
        #expect(switched.material.revocations.contains { $0.revokes(bad.certificate) })
        #expect(try await revocation.refresh(switched, hasPrevious: true, now: begun.until) != nil)
        let both = try await authority(store, begun.until).material.revocations
        #expect(both.count == 2)
        #expect(both.filter { $0.revokes(bad.certificate) }.count == 1)
        #expect(try await rotation.advance(force: true, now: begun.until) == .finished)
        #expect(try await authority(store, begun.until).material.revocations.count == 1)
    }

    @Test("leaves lists of others as they are")
    func foreign() async throws {
        let chain = try AuthorityMaterialTests.Chain()
        let texts = try chain.texts()
        let above = try RevocationListTests.list(of: chain.middle) + RevocationListTests.list(of: chain.root)
        let store = MemoryStore([
            .certificate: texts.certificate, .key: texts.key, .chain: texts.chain, .roots: texts.roots,
            .revocations: try RevocationListTests.list(of: chain.signing) + above,
            .settings: "trustDomain: cluster.local\n",
        ])
        let issued = try await RevocationIssuer(store).issue(revoking: [[5]], now: Self.now)
        #expect(issued.pem.hasSuffix(above.replacing("\n\n", with: "\n")))
        #expect(try await authority(store).material.revocations.count == 3)
    }

    @Test("is refused, with the remedy, where the signing certificate may not sign lists")
    func notAllowed() async throws {
        let folder = try TemporaryFolder()
        let made = try MeshTestSupport.openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/O=x", "-keyout", folder.file("key"), "-out", folder.file("cert"), "-addext",
            "keyUsage=critical,keyCertSign",
        ])
        try #require(made.status == 0, "\(made.output)")
        // Not before openssl has made it: its certificate begins then.
        let now = SystemWallClock().seconds
        let store = MemoryStore([
            .certificate: try folder.read("cert"), .key: try folder.read("key"), .chain: "",
            .roots: try folder.read("cert"), .settings: "trustDomain: cluster.local\n",
        ])
        let error = await #expect(throws: AuthorityError.self) {
            try await RevocationIssuer(store).issue(revoking: [[5]], now: now)
        }
        #expect(error.map { "\($0)" }?.contains("meshctl ca rotate") == true)
        #expect(store.writes == 0)
    }
}
