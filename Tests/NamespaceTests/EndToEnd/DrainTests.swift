import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Drain")
    struct Drain {
        private func holding(_ mesh: Mesh) throws -> NamespaceProcess {
            let holder = try mesh.start("client", "hold", "\(try mesh.node("server").v4)", "7000")
            #expect(holder.waitFor("open"), "\(holder.errors)")
            return holder
        }

        @Test(
            "On SIGTERM new connections are refused, open ones finish, then it leaves with 0",
            arguments: ["client", "server"])
        func finishes(pod: String) throws {
            let mesh = try Mesh()
            let environment = ["CONNECTION_TERMINATION_DEADLINE": "30s"]
            let ztunnels = try ["client", "server"].map { try mesh.startZtunnel($0, environment: environment) }
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let holder = try holding(mesh)
            let draining = try #require(ztunnels.first { $0.node.name == pod })

            draining.process.signal(SIGTERM)

            _ = try eventually("new connections to be refused") {
                try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "10", "10").up == true
                    ? nil : true
            }
            #expect(draining.process.isRunning)
            #expect(holder.isRunning)
            holder.signal(SIGUSR1)
            holder.wait()
            let held = try Peer.result(of: holder)
            #expect(held.end == "eof" && held.asked == true, "\(held)")
            let begun = Date()
            #expect(draining.process.wait() == 0, "\(draining.process.errors)")
            // Well before the deadline: nothing was left to wait for.
            #expect(Date().timeIntervalSince(begun) < 15)
            #expect(draining.log.allSatisfy { $0["level"] != "error" }, "\(draining.log.suffix(5))")
        }

        @Test("What does not finish before the deadline is cut, and the log says that the drain did it")
        func deadline() throws {
            let mesh = try Mesh()
            let environment = ["CONNECTION_TERMINATION_DEADLINE": "1s"]
            let client = try mesh.startZtunnel("client")
            let server = try mesh.startZtunnel("server", environment: environment)
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let holder = try holding(mesh)

            server.process.signal(SIGTERM)

            #expect(server.process.wait() == 0, "\(server.process.errors)")
            holder.wait()
            let held = try Peer.result(of: holder)
            #expect(held.asked == false)
            #expect(held.end != "eof" || held.echoed ?? 0 > 0)
            let line = try server.awaitAccess("inbound")
            #expect(line["error"]?.lowercased().contains("drain") == true, "\(line)")
            _ = try client.awaitAccess("outbound")
        }

        @Test("A second SIGINT does not wait for what is open")
        func impatient() throws {
            let mesh = try Mesh()
            try mesh.startZtunnel("client")
            let server = try mesh.startZtunnel("server", environment: ["CONNECTION_TERMINATION_DEADLINE": "120s"])
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let holder = try holding(mesh)
            server.process.signal(SIGINT)
            _ = try eventually("the drain") { server.log.first { $0["message"] == "draining" } }
            #expect(server.process.isRunning)
            server.process.signal(SIGINT)
            #expect(server.process.wait(seconds: 30) == 0, "\(server.process.errors)")
            holder.wait()
            #expect(try Peer.result(of: holder).asked == false)
        }

        @Test("SIGINT drains too, and readiness ends with it")
        func interrupt() throws {
            let mesh = try Mesh()
            let (_, server) = try mesh.startPair()
            server.process.signal(SIGINT)
            #expect(server.process.wait() == 0, "\(server.process.errors)")
        }
    }
}
