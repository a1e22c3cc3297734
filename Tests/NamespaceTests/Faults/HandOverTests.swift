import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Hand-over to a new process")
    struct HandOver {
        static let times = 10

        /// Starts the next process of a pod beside the one that serves; each has HTTP ports of its own.
        private func next(_ mesh: Mesh, _ pod: String, _ generation: Int) throws -> Ztunnel {
            let port = 15_200 + generation * 3
            return try mesh.startZtunnel(
                pod,
                options: [
                    "--metrics-port", "\(port)", "--readiness-port", "\(port + 1)", "--admin-port", "\(port + 2)",
                ],
                environment: ["CONNECTION_TERMINATION_DEADLINE": "30s"], readinessPort: port + 1)
        }

        @Test("Ten times, of both proxies at once, under a stream of new connections: none is lost, old ones live on")
        func tenTimes() throws {
            let mesh = try Mesh()
            let pods = ["client", "server"]
            var serving = try pods.map { try next(mesh, $0, 0) }
            try mesh.redirect("client", "server")
            try mesh.serve("server", ports: "7000-7003")
            let target = "\(try mesh.node("server").v4)"
            // Fresh connections without a pause, and one of each generation that is kept.
            let streams = try (0..<4).map { try mesh.start("client", "steady", target, "\(7000 + $0)", "120") }
            for stream in streams { #expect(stream.waitFor("steady"), "\(stream.errors)") }
            var holders: [NamespaceProcess] = []

            for generation in 1...Self.times {
                let holder = try mesh.start("client", "hold", target, "7000")
                #expect(holder.waitFor("open"), "\(holder.errors)")
                let fresh = try pods.map { try next(mesh, $0, generation) }
                for old in serving { old.process.signal(SIGTERM) }
                usleepMilliseconds(300)
                #expect(holder.isRunning, "generation \(generation): \(holder.output)")
                holders.append(holder)
                // One is kept for three generations; the drain of the process under it waits for it.
                if holders.count > 3 { finish(holders.removeFirst()) }
                serving = fresh
            }
            holders.forEach(finish)

            for stream in streams {
                stream.signal(SIGUSR1)
                stream.wait()
                let served = try Peer.result(of: stream)
                print("hand-over: \(served.count ?? 0) rounds, longest \(served.longest ?? -1) s")
                #expect(served.failures == 0, "\(served.failures ?? -1) of \(served.count ?? 0): \(served.first ?? [])")
                #expect(served.count ?? 0 > 100)
            }
            for ztunnel in mesh.ztunnels {
                let faults = ztunnel.log.filter { $0["error"] != nil }
                #expect(faults.isEmpty, "\(ztunnel.node.name): \(faults)")
            }
            for old in mesh.ztunnels where !serving.contains(where: { $0 === old }) {
                #expect(old.process.wait(seconds: 10) == 0, "\(old.process.errors)")
            }
        }

        /// Starts the next process of a pod on the ports of the one that serves.
        private func successor(_ mesh: Mesh, _ pod: String) throws -> Ztunnel {
            let next = try mesh.startZtunnel(pod, environment: ["CONNECTION_TERMINATION_DEADLINE": "30s"])
            // Either of the two may have said that it is ready.
            _ = try eventually("the successor to listen: \(next.log)") {
                let roles = Set(next.log.filter { $0["message"] == "listening" }.compactMap { $0["for"] })
                return roles.isSuperset(of: ["admin", "metrics", "readiness"]) ? true : nil
            }
            return next
        }

        @Test("Ten times, of the ports of HTTP too: whoever scrapes and probes meanwhile is answered every time")
        func scraped() throws {
            let mesh = try Mesh()
            var serving = try successor(mesh, "server")
            try mesh.redirect("server")
            try mesh.serve("server")
            let pages = ["15021/healthz/ready", "15020/metrics", "15000/stats"].map { "http://127.0.0.1:\($0)" }
            let probers = try (0..<2).map { _ in
                try mesh.node("server").spawn(["python3", Peer.script, "probe"] + pages)
            }
            for prober in probers { #expect(prober.waitFor("steady"), "\(prober.errors)") }
            let address = "\(try mesh.node("server").v4)"

            for generation in 1...Self.times {
                // In turn: a process that has a connection to wait for, and one that is gone at once.
                let holder = generation % 2 == 0 ? nil : try mesh.start("client", "hold", address, "7000")
                if let holder { #expect(holder.waitFor("open"), "\(holder.errors)") }
                let next = try successor(mesh, "server")
                serving.process.signal(SIGTERM)
                if let holder {
                    usleepMilliseconds(500)
                    finish(holder)
                }
                #expect(serving.process.wait(seconds: 20) == 0, "\(serving.process.errors)")
                serving = next
            }

            for prober in probers {
                prober.signal(SIGUSR1)
                prober.wait()
                let asked = try Peer.result(of: prober)
                print("hand-over: \(asked.count ?? 0) scrapes")
                #expect(asked.failures == 0, "\(asked.failures ?? -1) of \(asked.count ?? 0): \(asked.first ?? [])")
                #expect(asked.count ?? 0 > 100)
            }
        }

        private func finish(_ holder: NamespaceProcess) {
            holder.signal(SIGUSR1)
            holder.wait()
            let held = try? Peer.result(of: holder)
            #expect(held?.end == "eof" && held?.asked == true, "\(holder.output)")
        }
    }
}
