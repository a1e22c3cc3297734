import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Faults")
    struct Faults {
        static let patience = 2.0

        /// Client and server with one reactor each, so that connections share a tunnel.
        private func pair(_ mesh: Mesh) throws -> (client: Ztunnel, server: Ztunnel) {
            let pair = try (
                client: mesh.startZtunnel("client", options: ["--threads", "1"]),
                server: mesh.startZtunnel("server", options: ["--threads", "1"])
            )
            try mesh.redirect("client", "server")
            return pair
        }

        private func target(_ mesh: Mesh) throws -> String { "\(try mesh.node("server").v4)" }

        /// Runs the honest client beside what `body` does, and expects it not to notice.
        private func besideHonest(_ mesh: Mesh, patience: Double = Self.patience, _ body: () throws -> Void) throws {
            let honest = try mesh.start("client", "steady", target(mesh), "7000", "60")
            #expect(honest.waitFor("steady"), "\(honest.errors)")
            try body()
            honest.signal(SIGUSR1)
            honest.wait()
            let served = try Peer.result(of: honest)
            #expect(served.failures == 0, "\(served.first ?? [])")
            #expect(served.longest ?? .infinity < patience)
            #expect(served.count ?? 0 >= 10)
        }

        @Test("The application is killed in the middle of an upload: the client sees a reset, and nothing is left")
        func upload() throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            let application = try mesh.serve("server")
            let before = (client.openDescriptors, server.openDescriptors)
            let writer = try mesh.start("client", "pour", target(mesh), "7000")
            #expect(writer.waitFor("flowing"), "\(writer.errors)")

            application.signal(SIGKILL)
            writer.wait(seconds: 10)

            #expect(try Peer.result(of: writer).end != "eof")
            _ = try server.awaitAccess("inbound")
            _ = try client.awaitAccess("outbound")
            // The tunnel between them stays.
            try client.awaitDescriptors(atMost: before.0 + 1)
            try server.awaitDescriptors(atMost: before.1 + 1)
        }

        @Test(
            "Applications that stop reading slow neither the others on their tunnel nor fill the proxies",
            arguments: ["client", "server"])
        func stalled(side: String) throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            try mesh.serve("server", ports: "7000")
            try mesh.serve("server", ports: "7100")
            let before = (client.residentKiB, server.residentKiB)
            var stalled: [NamespaceProcess] = []
            try besideHonest(mesh) {
                let host = try target(mesh)
                let script = """
                    import socket, signal, threading
                    def stall():
                        s = socket.create_connection(("\(host)", 7100))
                        if "\(side)" == "client":
                            s.sendall(b"flood\\n")
                        else:
                            s.sendall(b"stall\\n")
                            try:
                                while True: s.send(bytes(1 << 20))
                            except OSError: pass
                        held.append(s)
                    held = []
                    for _ in range(3): threading.Thread(target=stall, daemon=True).start()
                    print("open", flush=True)
                    signal.pause()
                    """
                let process = try mesh.node("client").spawn("python3", "-c", script)
                #expect(process.waitFor("open"), "\(process.errors)")
                stalled.append(process)
                usleepMilliseconds(2_000)
                let tunnels = try mesh.node("client").exec("ss", "-Htn", "state", "established", "dport", "=", ":15008")
                // What comes beside bulk takes another tunnel, up to four.
                #expect((1...4).contains(tunnels.split(separator: "\n").count), "\(tunnels)")
            }
            // Decision 3: at most 16 MiB wait for slow applications, and a window of as much may be under way.
            #expect(client.peakKiB - before.0 < 48 << 10)
            #expect(server.peakKiB - before.1 < 48 << 10)
            stalled.forEach { $0.stop() }
        }

        @Test(
            "So many that the tunnel stands still make new connections take another one", arguments: ["flood", "stall"])
        func crowded(command: String) throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            try mesh.serve("server", ports: "7000")
            try mesh.serve("server", ports: "7100")
            let before = (client.residentKiB, server.residentKiB)
            let script = """
                import socket, signal, threading
                def stall(s):
                    s.sendall(b"\(command)\\n")
                    if "\(command)" == "stall": s.sendall(bytes(64 << 20))
                held = [socket.create_connection(("\(try target(mesh))", 7100)) for _ in range(20)]
                for s in held: threading.Thread(target=stall, args=(s,), daemon=True).start()
                print("open", flush=True)
                signal.pause()
                """
            let process = try mesh.node("client").spawn("python3", "-c", script)
            #expect(process.waitFor("open"), "\(process.errors)")
            usleepMilliseconds(2_000)
            for _ in 0..<10 {
                let result = try mesh.call("client", "transfer", target(mesh), "7000", "1000", "1000")
                #expect(result.up == true && result.down == true, "\(result)")
            }
            #expect(client.peakKiB - before.0 < 64 << 10)
            #expect(server.peakKiB - before.1 < 64 << 10)
            process.stop()
        }

        @Test("A cut link ends the tunnel by PING; applications see a reset, and when it is back all works")
        func cut() throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            try mesh.serve("server")
            let reader = try mesh.start("client", "hold", target(mesh), "7000")
            #expect(reader.waitFor("open"), "\(reader.errors)")
            let begun = Date()

            try mesh.node("server").exec("nft", "add table inet cut")
            try mesh.node("server").exec(
                "nft", "add chain inet cut in { type filter hook input priority 0; iifname eth0 drop; }")
            let line = try awaitEnd(client, "outbound", within: 45)

            #expect(line["error"]?.contains("PING") == true, "\(line)")
            // An interval of 10 s and an answer awaited for 20 s.
            #expect(Date().timeIntervalSince(begun) < 40)
            reader.wait(seconds: 5)
            #expect(try Peer.result(of: reader).end == "Connection reset by peer")
            #expect(try awaitEnd(server, "inbound", within: 15)["error"]?.contains("PING") == true)
            try mesh.node("server").exec("nft", "delete table inet cut")
            let result = try mesh.call("client", "transfer", target(mesh), "7000", "1000", "1000")
            #expect(result.up == true && result.down == true, "\(result) \(client.log.suffix(3))")
        }

        private func awaitEnd(_ ztunnel: Ztunnel, _ direction: String, within seconds: Double) throws -> LogLine {
            try eventually("an \(direction) line", within: seconds) {
                ztunnel.accessLog(direction).first { $0["error"] != nil }
            }
        }

        @Test("A certificate that runs out stays good for what is open; new connections do not use its tunnel")
        func expiry() throws {
            let mesh = try Mesh()
            let short = try mesh.issue("client", lifetime: "6s")
            let client = try mesh.startZtunnel("client", credentials: short.options, options: ["--threads", "1"])
            let expires = Date(timeIntervalSinceNow: 6.5)
            _ = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let holder = try mesh.start("client", "hold", target(mesh), "7000")
            #expect(holder.waitFor("open"), "\(holder.errors) \(client.log)")

            let error = try eventually("a connection to be refused", within: 15) {
                let result = try mesh.call("client", "transfer", target(mesh), "7000", "10", "10")
                return result.up == true ? nil : try client.awaitAccess("outbound") { $0["error"] != nil }["error"]
            }

            #expect(error.contains("expired"), "\(error)")
            while Date() < expires { usleepMilliseconds(50) }
            #expect(holder.isRunning)
            holder.signal(SIGUSR1)
            holder.wait()
            let held = try Peer.result(of: holder)
            #expect(held.end == "eof" && held.asked == true, "\(held)")
        }

        @Test(
            "Out of file descriptors: what is open goes on, the log says so, and it recovers",
            arguments: ["client", "server"])
        func descriptors(pod: String) throws {
            let mesh = try Mesh()
            for name in ["client", "server"] {
                try mesh.startZtunnel(
                    name, options: ["--threads", "1"],
                    wrapper: name == pod ? ["prlimit", "--nofile=64:64"] : [])
            }
            let limited = try #require(mesh.ztunnels.first { $0.node.name == pod })
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let holder = try mesh.start("client", "hold", target(mesh), "7000")
            #expect(holder.waitFor("open"), "\(holder.errors)")
            let crowd = try mesh.start("client", "idle", target(mesh), "7000", "100", "echo\\n")
            #expect(crowd.waitFor("open"), "\(crowd.errors)")
            let word = pod == "client" ? "cannot accept connections" : "(errno 24)"
            _ = try eventually("the log to say so") {
                limited.process.output.split(separator: "\n").first { $0.contains(word) }
            }
            let cpu = limited.cpuSeconds
            usleepMilliseconds(500)
            #expect(limited.cpuSeconds - cpu < 0.1, "it spins")
            #expect(holder.isRunning)

            crowd.signal(SIGUSR1)
            crowd.wait()

            _ = try eventually("connections to work again") {
                try mesh.call("client", "transfer", target(mesh), "7000", "10", "10").up == true ? true : nil
            }
            holder.signal(SIGUSR1)
            holder.wait()
            #expect(try Peer.result(of: holder).end == "eof")
        }

        @Test("The far proxy stops for three seconds: connections wait and go on")
        func pause() throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            try mesh.serve("server")
            try besideHonest(mesh, patience: 6) {
                server.process.signal(SIGSTOP)
                usleepMilliseconds(3_000)
                server.process.signal(SIGCONT)
                usleepMilliseconds(500)
            }
            #expect(client.accessLog("outbound").allSatisfy { $0["error"] == nil })
        }

        @Test("Applications that reset, half-close or say nothing leave nothing behind")
        func applications() throws {
            let mesh = try Mesh()
            let (client, server) = try pair(mesh)
            try mesh.serve("server")
            #expect(try mesh.call("client", "transfer", target(mesh), "7000", "10", "10").up == true)
            let before = (client.openDescriptors, server.openDescriptors)
            let script = """
                import socket, struct
                for ending in ("reset", "half", "silent", "greet and reset") * 25:
                    s = socket.create_connection(("\(try target(mesh))", 7000))
                    if ending == "greet and reset": s.sendall(b"echo\\nx"); s.recv(1)
                    if ending == "half":
                        s.sendall(b"echo\\nx")
                        s.shutdown(1)
                        assert s.recv(9) == b"x" and not s.recv(1)
                    if "reset" in ending: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                """
            let outcome = try mesh.node("client").outcome(["python3", "-c", script])
            #expect(outcome.status == 0, "\(outcome)")
            try client.awaitDescriptors(atMost: before.0)
            try server.awaitDescriptors(atMost: before.1)
        }
    }
}
