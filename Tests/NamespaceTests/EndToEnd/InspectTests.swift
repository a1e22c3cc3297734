import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Certificates of a mesh that runs")
    struct Inspected {
        /// What cert-inspect says of one server, asked from the authority's node.
        private struct Seen {
            let status: Int32
            let report: [String: Any]
            private var first: [String: Any] { (report["sets"] as? [[String: Any]])?.first ?? [:] }
            var endpoint: [String: Any] { first["endpoint"] as? [String: Any] ?? [:] }
            var judgement: String? { endpoint["clientCertificate"] as? String }
            var identities: [String] {
                (first["certificates"] as? [[String: Any]] ?? []).flatMap { $0["spiffeIDs"] as? [String] ?? [] }
            }
            var rules: [String] {
                (first["verdicts"] as? [[String: Any]] ?? []).compactMap { $0["rule"] as? String }
            }
        }

        private func look(_ served: ServedMesh, _ address: String, _ words: String...) throws -> Seen {
            let line = [Meshctl.path, "cert-inspect", address, "--timeout", "20s", "--output", "json"] + words
            let ended = try served.mesh.node("ca").outcome(line)
            guard let report = try? JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any] else {
                throw TimedOut(description: "no report: \(ended)")
            }
            return Seen(status: ended.status, report: report)
        }

        @Test("cert-inspect shows what a tunnel's port presents, and whom it lets in")
        func tunnel() throws {
            let served = try ServedMesh()
            _ = try served.start()
            let address = "hbone://\(try served.mesh.node("server").v4)"
            let roots = served.mesh.path("authority/root-cert.pem")
            let prober = try served.mesh.issue("prober")
            let known = try look(
                served, address, "--cert", prober.certificate, "--key", prober.key, "--root", roots, "--verify",
                "--trust-domain", "cluster.local")
            #expect(known.status == 0 && known.judgement == "accepted", "\(known)")
            #expect(known.identities == [EndToEnd.serverID])
            #expect(known.endpoint["applicationProtocol"] as? String == "h2")
            #expect(known.endpoint["protocolVersion"] as? String == "TLSv1.3")

            let nobody = try look(served, address, "--root", roots)
            #expect(nobody.judgement == "refused" && nobody.identities == [EndToEnd.serverID], "\(nobody)")
            let stranger = try served.mesh.issue("prober", by: "elsewhere")
            let foreign = try look(
                served, address, "--cert", stranger.certificate, "--key", stranger.key, "--root", stranger.roots,
                "--verify")
            #expect(foreign.judgement == "refused" && foreign.status == 1, "\(foreign)")
            // Both authorities have the same name: the key tells them apart.
            #expect(foreign.rules == ["signature"], "\(foreign)")
        }

        @Test("cert-inspect shows what the certificate service presents")
        func authority() throws {
            let served = try ServedMesh()
            let roots = served.mesh.path("authority/root-cert.pem")
            let seen = try look(
                served, "grpc://\(try served.mesh.node("ca").v4)", "--root", roots, "--verify", "--expires-in", "1m")
            #expect(seen.status == 0 && seen.judgement == "asked", "\(seen)")
            #expect(seen.endpoint["applicationProtocol"] as? String == "h2")
        }
    }
}
