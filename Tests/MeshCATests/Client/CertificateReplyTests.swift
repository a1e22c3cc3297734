import Crypto
import MeshCore
import MeshTestSupport
import SwiftASN1
import Testing
import X509

@testable import MeshCA

@Suite("The answer of an authority")
struct CertificateReplyTests {
    static let now = ManualClock.start

    /// An authority's answer to the key's own request, for `identity`.
    func reply(
        to key: KeyAndRequest, for identity: SPIFFEID, lifetime: Int64 = 3600
    ) throws -> (elements: [String], leaf: IssuedLeaf) {
        let authority = try CertificateAuthority.test()
        let leaf = try authority.issue(key.requestPEM, to: [identity], lifetime: lifetime)
        return (authority.reply(for: leaf), leaf)
    }

    @Test("gives chain, roots, serial and times")
    func good() throws {
        let id = try identity("a", "b")
        let key = try KeyAndRequest(for: id)
        let (elements, leaf) = try reply(to: key, for: id)
        let middle = try TestIssuer("middle").pem
        let roots = String(try (elements[1] + TestIssuer("second").pem).dropLast())
        let got = try CertificateReply.check([elements[0], middle, roots], identity: id, key: key, now: Self.now)
        #expect(got.certificateChainPEM == elements[0] + middle)
        #expect(got.trustBundlePEM == roots + "\n")
        #expect(got.serial == leaf.serial)
        #expect((got.notBefore, got.notAfter) == (leaf.notBefore, leaf.notAfter))
        #expect(got.privateKeyPEM == key.privateKeyPEM)
        #expect(!"\(got) \(String(reflecting: got))".contains("PRIVATE"))
    }

    @Test("that is wrong is refused, each in its own way (C85)")
    func wrong() throws {
        let id = try identity("a", "b")
        let other = try identity("a", "c")
        let key = try KeyAndRequest(for: id)
        let (elements, _) = try reply(to: key, for: id)
        func refused(_ elements: [String], _ problem: CertificateError.ReplyProblem, now: Int64 = Self.now) {
            #expect(throws: CertificateError.reply(problem)) {
                try CertificateReply.check(elements, identity: id, key: key, now: now)
            }
        }
        refused([], .empty)
        refused([elements[0]], .noRoot)
        refused(try reply(to: key, for: other).elements, .otherIdentity(asked: id, got: "\(other)"))
        refused([elements[1], elements[1]], .otherKey)
        refused(try reply(to: KeyAndRequest(for: id), for: id).elements, .otherKey)
        refused(elements, .alreadyExpired(notAfter: Self.now + 3600), now: Self.now + 3600)
        for (index, element) in [(0, "junk"), (1, ""), (1, key.requestPEM)] {
            var broken = elements
            broken[index] = element
            let error = #expect(throws: CertificateError.self) {
                try CertificateReply.check(broken, identity: id, key: key, now: Self.now)
            }
            guard case .reply(.unreadable(index, _)) = error else {
                Issue.record("\(String(describing: error))"); continue
            }
        }
    }

    @Test("follows a request as ztunnel makes it")
    func request() throws {
        let id = try identity("a", "b")
        let pem = try KeyAndRequest(for: id).requestPEM
        let request = try CertificateSigningRequest(pemEncoded: pem)
        #expect(request.subject.isEmpty)
        #expect(request.signatureAlgorithm == .ecdsaWithSHA256)
        let extensions = try #require(try request.attributes.extensionRequest).extensions
        #expect(extensions.count == 1)
        #expect(extensions.first?.critical == true)
        #expect(try extensions.subjectAlternativeNames.map(Array.init) == [.uniformResourceIdentifier("\(id)")])
        let folder = try TemporaryFolder()
        let seen = try openssl(["req", "-verify", "-noout", "-text", "-in", try folder.write("csr", pem)])
        #expect(seen.status == 0)
        #expect(seen.output.contains("URI:spiffe://cluster.local/ns/a/sa/b"))
    }

    @Test("comes with a new key each time")
    func newKey() throws {
        let id = try identity("a", "b")
        #expect(try KeyAndRequest(for: id).publicKey != KeyAndRequest(for: id).publicKey)
    }
}
