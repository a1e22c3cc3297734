import Foundation
import MeshTestSupport
import Testing

/// `meshctl cert-inspect` and what it looks at, both as processes of their own.
@Suite("meshctl cert-inspect at a running authority")
struct ServedCertificateTests {
    private let world: AuthorityWorld

    init() async throws { world = try await apart { try AuthorityWorld() } }

    /// The part of a report that is about the handshake.
    private struct Seen {
        let status: Int32
        let output: String
        let endpoint: [String: Any]
        var judgement: String? { endpoint["clientCertificate"] as? String }
    }

    private func look(_ port: UInt16, _ words: [String]) async throws -> Seen {
        let line = [Program.path, "cert-inspect", "grpc://127.0.0.1:\(port)", "--timeout", "60s", "--output", "json"]
        let ended = try await runApart(line + words)
        let report = try? JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
        let sets = try #require(report?["sets"] as? [[String: Any]], "\(ended)")
        return Seen(
            status: ended.status, output: ended.output, endpoint: sets.first?["endpoint"] as? [String: Any] ?? [:])
    }

    /// Cert and key of an identity, as options of cert-inspect.
    private func credential(_ folder: String, of authority: String) async throws -> [String] {
        let made = try await runApart([
            Program.path, "ca", "issue", AuthorityVerbTests.cart, "--dir", authority, "--out", folder,
        ])
        #expect(made.status == 0, "\(made.output)")
        return ["--cert", "\(folder)/cert-chain.pem", "--key", "\(folder)/key.pem"]
    }

    @Test("its gRPC port shows a chain that verifies, and says whom it takes")
    func authority() async throws {
        let (ca, callers) = (world.ca, try world.callers())
        let (server, port) = try await apart {
            let server = try NamespaceProcess([
                Program.path, "ca", "serve", "--dir", ca, "--callers", callers, "--listen", "127.0.0.1:0",
            ])
            let port =
                server.waitFor("listening on 127.0.0.1:", seconds: 60)
                ? server.output.split(whereSeparator: { ": ,\n".contains($0) }).last.flatMap { UInt16($0) } : nil
            return (server, try #require(port, "\(server.output)\(server.errors)"))
        }
        defer { server.signal(SIGTERM) }
        let root = ["--root", "\(ca)/root-cert.pem"]
        let bare = try await look(port, root + ["--verify"])
        #expect(bare.status == 0 && bare.judgement == "asked", "\(bare)")
        #expect(bare.endpoint["applicationProtocol"] as? String == "h2")
        #expect(bare.endpoint["protocolVersion"] as? String == "TLSv1.3")

        let own = try await credential("\(world.folder)/own", of: ca)
        let known = try await look(port, root + own + ["--verify"])
        #expect(known.status == 0 && known.judgement == "accepted", "\(known)")

        let other = "\(world.folder)/other"
        #expect(try await runApart([Program.path, "ca", "init", "--dir", other]).status == 0)
        let foreign = try await credential("\(world.folder)/foreign", of: other)
        let refused = try await look(port, root + foreign)
        #expect(refused.judgement == "refused", "\(refused)")
        #expect((refused.endpoint["failure"] as? String)?.contains("alert") == true, "\(refused)")

        // By another bundle its chain is nobody's, and the check says so.
        let stranger = try await look(port, ["--root", "\(other)/root-cert.pem", "--verify"])
        #expect(stranger.status == 1 && stranger.judgement == "asked", "\(stranger)")
    }
}
