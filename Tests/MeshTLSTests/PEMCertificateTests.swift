import MeshTLS
import Testing

@Suite("Certificates of a PEM text")
struct PEMCertificateTests {
    @Test("come in order, each with its own block, whatever stands between")
    func order() throws {
        let (leaf, root) = (try Fixture.text("front.pem"), try Fixture.text("root.pem"))
        let found = PEMCertificate.all(in: Array("a comment\n\(leaf)\nmore\r\n\(root)".utf8))
        #expect(found.count == 2 && found[0].facts.uris == ["spiffe://cluster.local/ns/web/sa/front"])
        #expect(leaf.contains(found[0].pem) && root.contains(found[1].pem))
        #expect(found[0].facts != found[1].facts)
    }

    @Test("keys, junk and blocks without an end are passed over")
    func junk() throws {
        let key = try Fixture.text("front.key.pem")
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        let leaf = try Fixture.text("front.pem")
        #expect(PEMCertificate.all(in: Array((key + broken + leaf).utf8)).count == 1)
        #expect(PEMCertificate.all(in: Array(leaf.dropLast(20).utf8)).isEmpty)
        #expect(PEMCertificate.all(in: []).isEmpty)
        #expect(PEMCertificate.all(in: [0xff, 0xfe, 0x00]).isEmpty)
    }
}
