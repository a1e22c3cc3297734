import Logging
import MeshCore
import MeshTestSupport
import NIOCore
import NIOPosix
import Testing

@testable import MeshCA

@Suite("The certificate client")
struct CertificateClientTests {
    let id: SPIFFEID

    init() throws { id = try identity("shop", "cart") }

    func failure(_ client: CertificateClient) async throws -> CertificateError {
        let id = id
        return try #require(
            await #expect(throws: CertificateError.self) {
                try await client.issue(identity: id, ttl: .zero, impersonate: false)
            })
    }

    @Test("names a refused connection and what to do")
    func connectionRefused() async throws {
        let port = try await closedPort()
        let root = try TestIssuer.live("root").pem
        let endpoint = CAEndpoint(host: "127.0.0.1", port: port, trust: .pem(root))
        let error = try await failure(CertificateClient(endpoint: endpoint, tokenFile: nil))
        #expect(error == .connect(endpoint: "https://127.0.0.1:\(port)", reason: "connection refused"))
        #expect("\(error)".contains("is istiod or `meshctl ca serve` running there?"))
    }

    /// A port that was free a moment ago: bound, never listened on, and released.
    private func closedPort() async throws -> UInt16 {
        let channel = try await ServerBootstrap(group: ControlEventLoop.group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        return UInt16(port)
    }

    @Test("names a name that does not exist")
    func unknownName() async throws {
        let endpoint = CAEndpoint(host: "no-such-host.invalid", port: 15012, trust: .system)
        let error = try await failure(CertificateClient(endpoint: endpoint, tokenFile: nil))
        #expect(error == .connect(endpoint: "\(endpoint)", reason: "name not found"))
    }

    @Test("gives up on a server that never answers")
    func silent() async throws {
        let channel = try await ServerBootstrap(group: ControlEventLoop.group)
            .childChannelOption(.autoRead, value: false).bind(host: "127.0.0.1", port: 0).get()
        let port = UInt16(try #require(channel.localAddress?.port))
        let endpoint = CAEndpoint(host: "127.0.0.1", port: port, trust: .system)
        var client = CertificateClient(endpoint: endpoint, tokenFile: nil)
        client.deadline = .milliseconds(200)
        #expect(try await failure(client) == .timeout(endpoint: "\(endpoint)", seconds: 0))
        try await channel.close()
    }

    @Test("does not trust a server under other roots")
    func otherRoots() async throws {
        try await ServedAuthority.serving { served in
            var client = try served.client(token: "cart")
            client.endpoint.trust = .pem(try TestIssuer.live("cluster.local").pem)
            let error = try await failure(client)
            guard case .serverUntrusted(_, let reason) = error else { Issue.record("\(error)"); return }
            #expect(reason.contains("not issued under the trusted roots"))
            client.endpoint.trust = .system
            guard case .serverUntrusted = try await failure(client) else { Issue.record("system roots"); return }
        }
    }

    @Test("compares the server's name, and takes another where that is configured")
    func serverName() async throws {
        try await ServedAuthority.serving(serverNames: ["ca.mesh.example"]) { served in
            var client = try served.client(token: "cart")
            client.endpoint.serverName = "other.example"
            let error = try await failure(client)
            guard case .serverUntrusted(_, let reason) = error else { Issue.record("\(error)"); return }
            #expect(reason.contains("not for other.example"))
            // The name that was asked for decides: the address alone, which the certificate has too, does not do.
            client.endpoint.serverName = "example"
            guard case .serverUntrusted = try await failure(client) else { Issue.record("accepted"); return }
            for (host, name) in [
                ("127.0.0.1", "ca.mesh.example"), ("localhost", nil), ("localhost", "ca.mesh.example"),
            ] {
                client.endpoint.host = host
                client.endpoint.serverName = name
                _ = try await client.issue(identity: id, ttl: .zero, impersonate: false)
            }
        }
    }

    @Test("reads token and roots anew for each request")
    func rereads() async throws {
        try await ServedAuthority.serving { served in
            var client = try served.client(token: nil)
            client.tokenFile = try served.folder.write("own.token", "wrong")
            client.endpoint.trust = .file(try served.folder.write("roots", served.authority.material.rootPEM))
            guard case .unauthenticated(_, let message) = try await failure(client) else {
                Issue.record("accepted")
                return
            }
            #expect(message == "request authenticate failure")
            try served.folder.write("own.token", "cart-secret\n")
            _ = try await client.issue(identity: id, ttl: .zero, impersonate: false)
            try served.folder.write("own.token", "\n")
            #expect(
                try await failure(client)
                    == .token(path: served.folder.file("own.token"), reason: "the token file is empty"))
            try served.folder.write("own.token", "cart-secret\n")
            try served.folder.write("roots", "junk")
            guard case .trustBundle = try await failure(client) else { Issue.record("no roots"); return }
        }
    }

    @Test("refuses a certificate for another identity than it asked for (C85)")
    func otherIdentity() async throws {
        try await ServedAuthority.serving { served in
            let wanted = try identity("shop", "other")
            let problem = CertificateError.ReplyProblem.otherIdentity(asked: wanted, got: "\(id)")
            await #expect(throws: CertificateError.reply(problem)) {
                try await served.client(token: "cart").issue(identity: wanted, ttl: .zero, impersonate: false)
            }
        }
    }

    @Test("names other refusals by their status (C14)")
    func refused() async throws {
        try await ServedAuthority.serving { served in
            let client = try served.client(token: "cart")
            let error = await #expect(throws: CertificateError.self) {
                try await client.issue(identity: id, ttl: .seconds(90 * day + 1), impersonate: false)
            }
            guard case .refused(_, let code, let message) = error else { Issue.record("accepted"); return }
            #expect(code == "invalidArgument")
            #expect(message.contains("7776001") && message.contains("7776000"))
        }
    }
}

@Suite("The name in a server's certificate")
struct ServerNameCheckTests {
    @Test(
        "is compared without case, with a star for one whole label",
        arguments: [
            ("ca.example", "ca.example", true), ("ca.example", "CA.Example.", true), ("CA.example", "ca.example", true),
            ("ca.example", "xca.example", false), ("ca.example", "a.ca.example", false),
            ("*.mesh.example", "ca.mesh.example", true), ("*.mesh.example", "a.b.mesh.example", false),
            ("*.mesh.example", "mesh.example", false), ("*.mesh.example", ".mesh.example", false),
            ("*.example", "ca.example", false), ("c*.mesh.example", "ca.mesh.example", false), ("*", "example", false),
        ])
    func compared(pattern: String, name: String, matches: Bool) throws {
        let leaf = try CertificateAuthority.test().issue(
            SigningRequest(pem: signingRequest()), names: [.dns(pattern)], lifetime: 60, now: ManualClock.start)
        #expect(ServerNameCheck.names(leaf.certificate, include: name) == matches)
    }

    @Test("is not the address, nor a URI")
    func otherKinds() throws {
        let leaf = try CertificateAuthority.test().issue(
            SigningRequest(pem: signingRequest()), names: [.ip(.loopbackV4), .spiffe(identity("a", "b"))], lifetime: 60,
            now: ManualClock.start)
        #expect(!ServerNameCheck.names(leaf.certificate, include: "127.0.0.1"))
        #expect(!ServerNameCheck.names(leaf.certificate, include: "cluster.local"))
    }
}
