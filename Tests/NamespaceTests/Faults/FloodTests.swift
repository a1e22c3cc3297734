import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Floods")
    struct Floods {
        /// What a request of the honest client may take while an attack goes on, in seconds. Without one it takes a few
        /// milliseconds; the attacker itself keeps one of the machine's cores busy.
        static let patience = 2.0
        /// What an attack may cost in memory, in KiB.
        static let memory = 64 << 10
        /// What may be left of that when the attack is over.
        static let kept = 8 << 10
        static let seconds = "2.5"

        /// CPU seconds that an attack may cost, those of the honest client included: so much for each connection, frame
        /// and byte that the proxy took. Several times what they cost, so that a busy machine stays below it; work that a
        /// frame multiplies does not, since few frames get through then.
        static func most(_ attack: Attack.Result) -> Double {
            // Where no frame was sent no handshake was made either.
            let connection = attack.frames == 0 ? 0.001 : 0.02
            return 1.5 + Double(attack.connections) * connection + Double(attack.frames) * 50e-6
                + Double(attack.sent) * 0.1e-6
        }

        /// An attack that the proxy ends, and a word of the reason that its log gives.
        static let ended: [(kind: String, reason: String)] = [
            ("rapid_reset", "resets streams too fast"), ("refused_connects", "refused too fast"),
            ("continuation", "CONTINUATION"), ("empty_continuation", "CONTINUATION"), ("settings", "too fast"),
            ("ping", "too fast"), ("priority", "PRIORITY too fast"), ("window_update", "WINDOW_UPDATE too fast"),
            ("empty_data", "empty DATA"), ("crumbs", "WINDOW_UPDATE too fast"), ("unread_answers", "does not read"),
            ("garbage_inside", "HTTP/2"), ("garbage", "TLS"),
        ]
        /// Attacks that are borne: they cost the proxy little, or no more than honest traffic of the same kind would.
        static let borne = ["zero_window", "header_bomb", "long_headers", "many_refused", "half_open"]

        /// The honest client's requests, the attack and the proxy's measures, while `kind` goes on.
        private func attack(
            _ kind: String, seconds: String = Self.seconds
        ) throws -> (server: Ztunnel, result: Attack.Result) {
            let mesh = try Mesh()
            // One reactor: the honest client shares it with the attacker.
            let server = try mesh.startZtunnel("server", options: ["--threads", "1"])
            _ = try mesh.startZtunnel("client", options: ["--threads", "1"])
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            // An application of its own: the other one must not be slow because the attack reaches it.
            try mesh.serve("server", ports: "7100")
            let honest = try mesh.start("client", "steady", "\(try mesh.node("server").v4)", "7000", "60")
            #expect(honest.waitFor("steady"), "\(honest.errors)")
            let (descriptors, memory, cpu) = (server.openDescriptors, server.residentKiB, server.cpuSeconds)
            let allocated = server.allocatedKiB
            let begun = ContinuousClock.now

            let result = try Attack.result(of: Attack.start(kind, on: "server", in: mesh, seconds: seconds))
            let spent = server.cpuSeconds - cpu
            let elapsed = (ContinuousClock.now - begun) / .seconds(1)
            honest.signal(SIGUSR1)
            honest.wait()

            let served = try Peer.result(of: honest)
            print(
                kind, result,
                "CPU \(spent) s, peak +\(server.peakKiB - memory) KiB, after +\(server.allocatedKiB - allocated)",
                "honest: \(served.count ?? 0) longest \(served.longest ?? -1) s")
            #expect(served.failures == 0, "\(kind): \(served.first ?? [])")
            #expect(served.longest ?? .infinity < Self.patience, "\(kind)")
            #expect(served.count ?? 0 >= 10, "\(kind)")
            #expect(server.peakKiB - memory < Self.memory, "\(kind)")
            #expect(spent < Self.most(result), "\(kind): \(spent) s of CPU, \(result)")
            // However hard it is attacked: the core of the reactor that has the attacker, and no other.
            #expect(spent < elapsed * 1.1 + 0.5, "\(kind): \(spent) s of CPU in \(elapsed) s")
            #expect(server.process.isRunning)
            try server.awaitDescriptors(atMost: descriptors)
            // Memory is given back two seconds after the crowd has gone.
            _ = try eventually("\(kind): memory to be given back: \(server.allocatedKiB - allocated) KiB more") {
                server.allocatedKiB - allocated < Self.kept ? true : nil
            }
            _ = try eventually("\(kind): the proxy to be quiet") {
                let calm = server.cpuSeconds
                usleepMilliseconds(300)
                return server.cpuSeconds - calm < 0.1 ? true : nil
            }
            return (server, result)
        }

        @Test("end the attacker's tunnel, which the log names, and spare the others", arguments: ended)
        func end(kind: String, reason: String) throws {
            let (server, result) = try attack(kind, seconds: "\(Self.seconds)-40")
            #expect(result.ends.contains { $0.key != "time" }, "\(kind): \(result)")
            let attacker = try #require(
                server.accessLog("inbound").first { $0["error"]?.contains(reason) == true },
                "no line with \"\(reason)\": \(server.accessLog("inbound").compactMap { $0["error"] }.suffix(3))")
            #expect(attacker["src.addr"]?.hasPrefix("10.77.0.3:") == true, "\(attacker)")
        }

        @Test("that are borne do not reach the others", arguments: borne)
        func bear(kind: String) throws { _ = try attack(kind) }
    }
}
