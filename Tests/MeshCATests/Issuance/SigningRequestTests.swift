import Crypto
import MeshCA
import MeshTestSupport
import SwiftASN1
import Testing
import X509

@Suite("A signing request")
struct SigningRequestTests {
    @Test("of an accepted key proves its key", arguments: TestKey.allCases)
    func accepted(kind: TestKey) throws {
        let key = try kind.make()
        let request = try SigningRequest(pem: signingRequest(key: key))
        #expect(request.publicKey == key.publicKey)
        #expect(!request.hasCommonName)
    }

    @Test("made by openssl is read, with or without a common name", arguments: [("/O=", false), ("/CN=x", true)])
    func foreign(subject: String, hasCommonName: Bool) throws {
        let request = try SigningRequest(pem: Self.openssl(["-newkey", "rsa:2048", "-subj", subject]))
        #expect(request.hasCommonName == hasCommonName)
    }

    static func openssl(_ arguments: [String]) throws -> String {
        let folder = try TemporaryFolder()
        let result = try MeshTestSupport.openssl(
            ["req", "-new", "-nodes", "-keyout", folder.file("key"), "-out", folder.file("csr")] + arguments)
        try #require(result.status == 0, "\(result.output)")
        return try folder.read("csr")
    }

    @Test(
        "with a key that is too weak, too large or of another kind is refused",
        arguments: [
            ["-newkey", "rsa:1024"], ["-newkey", "rsa:5120"],
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
            ["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"], ["-newkey", "rsa:2048", "-sha1"],
            ["-newkey", "rsa:2048", "-md5"],
        ])
    func weak(arguments: [String]) throws {
        let pem = try Self.openssl(arguments + ["-subj", "/O=x"])
        #expect(throws: IssueError.self) { try SigningRequest(pem: pem) }
    }

    @Test("that is broken or something else is refused (C64)")
    func broken() throws {
        let pem = try signingRequest()
        let der = try PEMDocument(pemString: pem).derBytes
        func wrapped(_ bytes: [UInt8]) -> String { PEMDocument(type: "CERTIFICATE REQUEST", derBytes: bytes).pemString }
        var signature = der
        signature[signature.count - 1] ^= 1
        let other = try TestIssuer("x")
        let broken = [
            "", "junk", try other.pem, try other.keyPEM, wrapped(signature), wrapped(der + [0]), wrapped([]),
            wrapped([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
            pem + String(repeating: "\n", count: SigningRequest.sizeLimit),
        ]
        for text in broken {
            let error = #expect(throws: IssueError.self) { try SigningRequest(pem: text) }
            guard case .signingRequest = error else { Issue.record("\(String(describing: error))"); continue }
        }
    }

    @Test("signed by another key than it carries is refused")
    func swapped() throws {
        // A request's signature covers its key; one of another request of the same shape does not fit.
        let parts = try (0..<2).map { _ in
            try CertificateSigningRequest(pemEncoded: signingRequest(names: [.dnsName("same")]))
        }
        let forged = try CertificateSigningRequest(
            version: parts[0].version, subject: parts[0].subject, publicKey: parts[0].publicKey,
            attributes: parts[0].attributes, signatureAlgorithm: parts[0].signatureAlgorithm,
            signature: parts[1].signature)
        let pem = try forged.serializeAsPEM().pemString
        #expect(throws: IssueError.signingRequest("signing request is not signed by the key that it carries")) {
            try SigningRequest(pem: pem)
        }
    }

    @Test("cut short anywhere is refused")
    func truncations() throws {
        let der = try PEMDocument(pemString: try signingRequest()).derBytes
        for count in 0..<der.count {
            let pem = PEMDocument(type: "CERTIFICATE REQUEST", derBytes: Array(der.prefix(count))).pemString
            #expect(throws: IssueError.self) { try SigningRequest(pem: pem) }
        }
    }
}
