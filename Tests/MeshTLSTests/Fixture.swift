import Foundation
import MeshCore
import MeshTLS

/// The certificates of Tests/Fixtures/pki; its README says what each one proves.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/pki")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    static func pem(_ name: String, key: String? = nil, roots: String = "root.pem") throws -> CredentialPEM {
        try CredentialPEM(
            certificateChain: text("\(name).pem"), privateKey: text(key ?? "\(name).key.pem"), trustBundle: text(roots))
    }

    static func credential(
        _ name: String, roots: String = "root.pem", options: TLSOptions = TLSOptions()
    ) throws -> TLSCredential {
        try TLSCredential(pem(name, roots: roots), options: options)
    }

    static func id(_ account: String, namespace: String = "web") throws -> SPIFFEID {
        try SPIFFEID(parsing: "spiffe://cluster.local/ns/\(namespace)/sa/\(account)")
    }

    static let cluster = PeerExpectation.trustDomain(domain("cluster.local"))

    static func domain(_ name: String) -> TrustDomain {
        do { return try TrustDomain(parsing: name) } catch { preconditionFailure("\(error)") }
    }
}
