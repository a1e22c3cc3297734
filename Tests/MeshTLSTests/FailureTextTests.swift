import MeshCore
import MeshTLS
import Testing

@Suite("TLS failure texts")
struct FailureTextTests {
    static let failures: [HandshakeFailure] = [
        .expired(certificate: "a", notAfter: 0), .notYetValid(certificate: "a", notBefore: 0), .unknownIssuer("O=a"),
        .badCertificateSignature(issuer: "O=a"), .certificateRejected(certificate: "a", reason: "b"),
        .noClientCertificate, .notASPIFFEID([]), .notASPIFFEID(["https://a"]),
        .wrongTrustDomain(found: Refusal.foreign, expected: Fixture.domain("cluster.local")),
        .unexpectedIdentity(found: Refusal.foreign, expected: []),
        .unexpectedIdentity(found: Refusal.foreign, expected: [Refusal.front]), .plaintextToTLSPort("SSH"),
        .tlsToPlaintextPort("SSH"), .noCommonALPN(offered: []), .noCommonALPN(offered: ["http/1.1"]),
        .unsupportedVersion, .peerAlert("unknown_ca"), .badSignature, .badRecord, .protocolError("a"), .outputFull,
        .misuse("a"),
    ]

    @Test("each is one line without a full stop", arguments: failures)
    func isOneLine(failure: HandshakeFailure) {
        let text = failure.description
        #expect(!text.isEmpty)
        #expect(!text.contains("\n"))
        #expect(!text.hasSuffix("."))
    }

    @Test(
        "times are written in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"), (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (4_733_510_400, "2120-01-01T00:00:00Z"),
        ] as [(Int64, String)])
    func writesTimes(seconds: Int64, expected: String) {
        let text = HandshakeFailure.expired(certificate: "a", notAfter: seconds).description
        #expect(text.contains("expired \(expected);"))
    }

    @Test("values that a peer chose are cut short")
    func cutsLists() {
        let long = String(repeating: "x", count: 10_000)
        let text = HandshakeFailure.notASPIFFEID(Array(repeating: long, count: 50)).description
        #expect(text.count < 700)
        #expect(text.hasSuffix("and 46 more"))
    }

    @Test("alerts carry advice")
    func advises() {
        #expect(HandshakeFailure.peerAlert("unknown_ca").description.contains("trust bundle"))
        #expect(HandshakeFailure.peerAlert("internal_error").description.hasSuffix("internal_error"))
    }
}
