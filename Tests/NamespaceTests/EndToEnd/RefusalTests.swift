import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Refusals")
    struct Refusal {
        /// A mesh whose server pod runs a ztunnel and an application; the client pod is still free.
        private func guarded() throws -> (mesh: Mesh, server: Ztunnel, address: String) {
            let mesh = try Mesh()
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("server")
            try mesh.serve("server")
            return (mesh, server, "\(try mesh.node("server").v4)")
        }

        /// A TLS handshake of the openssl command with port 15008.
        private func handshake(_ mesh: Mesh, _ address: String, _ options: String...) throws -> Outcome {
            try mesh.node("client").outcome(
                [
                    "timeout", "10", "openssl", "s_client", "-connect", "\(address):15008", "-alpn", "h2", "-tls1_3",
                    "-ign_eof",
                ] + options)
        }

        /// Runs a client's ztunnel with these certificates and expects no byte to pass.
        private func expectNothingPasses(_ mesh: Mesh, _ address: String, _ options: [String]) throws -> Ztunnel {
            let client = try mesh.startZtunnel("client", credentials: options)
            try mesh.redirect("client")
            let result = try mesh.call("client", "transfer", address, "7000", "10", "10")
            #expect(result.up != true)
            #expect(try client.awaitAccess("outbound")["error"]?.isEmpty == false)
            return client
        }

        private func expect(_ line: LogLine, mentions words: [String]) {
            let error = line["error"]?.lowercased() ?? ""
            #expect(words.contains { error.contains($0) }, "the error should say one of \(words): \(line)")
        }

        @Test("A client certificate of another CA is refused; the server's log names the issuer")
        func wrongAuthority() throws {
            let (mesh, server, address) = try guarded()
            var stranger = try mesh.issue("client", by: "other-authority")
            stranger.roots = try mesh.issue("server").roots
            _ = try expectNothingPasses(mesh, address, stranger.options)
            expect(try server.awaitAccess("inbound"), mentions: ["issuer", "unknown ca", "not trusted", "untrusted"])
        }

        @Test("A server certificate of another CA is refused; the client's log names the issuer")
        func wrongServerAuthority() throws {
            let (mesh, _, address) = try guarded()
            let stranger = try mesh.issue("client", by: "other-authority")
            let client = try expectNothingPasses(mesh, address, stranger.options)
            expect(try client.awaitAccess("outbound"), mentions: ["issuer", "unknown ca", "not trusted", "untrusted"])
        }

        @Test("A client without a certificate is refused")
        func noCertificate() throws {
            let (mesh, server, address) = try guarded()
            _ = try handshake(mesh, address)
            expect(try server.awaitAccess("inbound"), mentions: ["no client certificate", "without a certificate"])
        }

        @Test("A client of a foreign trust domain is refused, although its CA is trusted")
        func foreignTrustDomain() throws {
            let mesh = try Mesh()
            let own = try mesh.issue("server")
            let foreign = try mesh.issue("client", by: "foreign-authority", trustDomain: "other.example")
            let bundles = try [own.roots, foreign.roots].map { try String(contentsOfFile: $0, encoding: .utf8) }
            let roots = try mesh.write(bundles.joined(separator: "\n"), to: "both-roots.pem")
            let server = try mesh.startZtunnel(
                "server", credentials: ["--certificate", own.certificate, "--key", own.key, "--trust-bundle", roots])
            try mesh.serve("server")

            let address = "\(try mesh.node("server").v4)"
            _ = try handshake(mesh, address, "-cert", foreign.certificate, "-key", foreign.key)

            expect(try server.awaitAccess("inbound"), mentions: ["trust domain"])
        }

        @Test("A certificate without a SPIFFE ID is refused")
        func noIdentity() throws {
            let mesh = try Mesh()
            let own = try mesh.issue("server")
            let (key, certificate) = (mesh.path("plain.key"), mesh.path("plain.pem"))
            let made = try Outcome.of([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=plain", "-keyout", key, "-out", certificate, "-days", "1",
            ])
            #expect(made.status == 0, "\(made.errors)")
            let bundles = try [own.roots, certificate].map { try String(contentsOfFile: $0, encoding: .utf8) }
            let roots = try mesh.write(bundles.joined(separator: "\n"), to: "both-roots.pem")
            let server = try mesh.startZtunnel(
                "server", credentials: ["--certificate", own.certificate, "--key", own.key, "--trust-bundle", roots])

            _ = try handshake(
                mesh, "\(try mesh.node("server").v4)", "-cert", certificate, "-key", key)

            expect(try server.awaitAccess("inbound"), mentions: ["spiffe"])
        }

        @Test("Plain text to the HBONE port is refused, and the log says what it was")
        func plaintext() throws {
            let (mesh, server, address) = try guarded()
            let result = try mesh.call("client", "raw", address, "15008", #"GET / HTTP/1.1\r\nHost: x\r\n\r\n"#)
            #expect(result.data?.contains("HTTP/") != true)
            expect(try server.awaitAccess("inbound"), mentions: ["no tls"])
        }

        @Test("A policy refuses with 401, and the log names it", arguments: ["Allow", "Deny"])
        func policy(action: String) throws {
            let mesh = try Mesh()
            let principal = "cluster.local/ns/default/sa/\(action == "Allow" ? "somebody" : "client")"
            mesh.document.addPolicy("who-may-come", action: action, principal: principal)
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")

            let result = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "10", "10")

            #expect(result.up != true)
            let inbound = try server.awaitAccess("inbound")
            #expect(inbound["src.identity"] == EndToEnd.clientID)
            if action == "Deny" {
                #expect(inbound["error"]?.contains("default/who-may-come") == true, "\(inbound)")
            } else {
                #expect(inbound["error"]?.lowercased().contains("polic") == true, "\(inbound)")
            }
            #expect(try client.awaitAccess("outbound")["error"]?.contains("401") == true)
            #expect(try server.metric("istio_tcp_connections_failed_total", "response_flags=\"DENY\"") == 1)
        }

        @Test("A policy about identities refuses plain TCP too")
        func policyOnPlaintext() throws {
            let mesh = try Mesh(pods: ["server"])
            mesh.document.addPolicy("who-may-come", action: "Allow", principal: "cluster.local/ns/default/sa/client")
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("server")
            try mesh.serve("server")

            let result = try mesh.call("outsider", "transfer", "\(try mesh.node("server").v4)", "7000", "10", "10")

            #expect(result.up != true)
            #expect(try server.awaitAccess("inbound")["error"]?.lowercased().contains("polic") == true)
        }

        @Test("A call to a port of the proxy itself is refused, not looped", arguments: [15001, 15006])
        func selfCall(port: Int) throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            let result = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "\(port)", "10", "10")
            #expect(result.up != true)
            #expect(client.process.isRunning && server.process.isRunning)
            #expect(try client.metric("istio_tcp_connections_opened_total") <= 1)
        }
    }
}
