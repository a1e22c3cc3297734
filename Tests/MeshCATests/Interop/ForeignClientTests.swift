import Foundation
import MeshCA
import MeshCore
import MeshTestSupport
import Testing

/// grpcio, protobuf and cryptography of Python, as scripts/test installs them.
enum ForeignStack {
    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Tools/authority_peer.py").path

    static let whyUnusable: String? = {
        let modules = "import grpc, google.protobuf, cryptography.x509.verification"
        guard let tried = try? run("python3", "-c", modules), tried.status == 0 else {
            return "needs grpcio, protobuf and cryptography for python3, as scripts/test installs them"
        }
        return nil
    }()
    static var isUsable: Bool { whyUnusable == nil }

    struct Answer: Decodable {
        let code: String
        let message: String?
        let elements: Int?
        let path: Int?
        let uris: [String]?
        let critical: Bool?
        let ownKey: Bool?
        let seconds: Int?
        let usages: [String]?
    }

    /// Asks as another stack would, and lets it verify the chain that comes back.
    static func ask(_ served: ServedAuthority, _ arguments: [String]) async throws -> Answer {
        let roots = try served.folder.write("foreign-roots.pem", served.authority.material.rootPEM)
        let command = ["python3", script, "request", "--address", "127.0.0.1:\(served.address.port)", "--roots", roots]
        let result = try await runApart(command + arguments)
        try #require(result.status == 0, "\(result.output)")
        let line = try #require(result.output.split(separator: "\n").last { $0.hasPrefix("{") }, "\(result.output)")
        return try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
    }
}

@Suite(
    "A client by another stack", .serialized,
    .enabled(if: ForeignStack.isUsable, Comment(rawValue: ForeignStack.whyUnusable ?? "usable")))
struct ForeignClientTests {
    @Test("gets certificates that another library verifies", arguments: ["ec", "rsa"], [TestKey.p256, .p384, .rsa])
    func issued(key: String, root: TestKey) async throws {
        let now = SystemWallClock().seconds
        let authority = try CertificateAuthority.test(root: .live("cluster.local", key: root), now: now)
        try await ServedAuthority.serving(authority: authority) { served in
            let answer = try await ForeignStack.ask(
                served,
                [
                    "--token", "node-secret", "--impersonate", "spiffe://cluster.local/ns/web/sa/x", "--key", key,
                    "--lifetime", "600",
                ])
            #expect(answer.code == "OK", "\(answer)")
            #expect(answer.uris == ["spiffe://cluster.local/ns/web/sa/x"])
            #expect(answer.elements == 2 && answer.path == 2)
            #expect(answer.critical == true && answer.ownKey == true)
            #expect(answer.seconds == 720)
            #expect(answer.usages == ["clientAuth", "serverAuth"])
        }
    }

    @Test("of a plug-in authority gets every intermediate apart, and a path over all of them (C15)")
    func plugIn() async throws {
        let now = SystemWallClock().seconds
        let root = try TestIssuer.live("root")
        let middle = try TestIssuer.live("middle", issuer: root)
        let signing = try TestIssuer.live("signing", issuer: middle)
        let material = try AuthorityMaterial(
            .init(
                certificate: signing.pem, key: signing.keyPEM, chain: signing.pem + middle.pem, roots: root.pem),
            now: now)
        let authority = CertificateAuthority(
            trustDomain: try domain(), material: material, lifetimes: LifetimePolicy(), now: now)
        try await ServedAuthority.serving(authority: authority) { served in
            let answer = try await ForeignStack.ask(served, ["--token", "cart-secret"])
            #expect(answer.elements == 4 && answer.path == 4, "\(answer)")
            #expect(answer.uris == ["spiffe://cluster.local/ns/shop/sa/cart"])
            #expect(answer.seconds == Int(day) + 120)
        }
    }

    @Test(
        "is refused with istiod's codes and words",
        arguments: [
            ([], "UNAUTHENTICATED", "request authenticate failure"),
            (["--token", "wrong"], "UNAUTHENTICATED", "request authenticate failure"),
            (
                ["--token", "node-secret", "--impersonate", "spiffe://cluster.local/ns/other/sa/x"], "UNAUTHENTICATED",
                "request impersonation authentication failure"
            ),
            (["--token", "cart-secret", "--lifetime", "7776001"], "INVALID_ARGUMENT", "CSR signing error ("),
        ])
    func refused(arguments: [String], code: String, words: String) async throws {
        try await ServedAuthority.serving { served in
            let answer = try await ForeignStack.ask(served, arguments)
            #expect(answer.code == code)
            #expect(answer.message?.hasPrefix(words) == true, "\(answer)")
        }
    }
}
