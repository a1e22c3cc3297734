import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    /// Numbers are the cases of the node proxy reference, section 24.
    @Suite("Admin pages and commands")
    struct Admin {
        private func ask(_ ztunnel: Ztunnel, _ arguments: String...) throws -> Outcome {
            try ztunnel.node.outcome([Meshctl.path, "ztunnel"] + arguments)
        }

        private func json(_ ztunnel: Ztunnel, _ arguments: String...) throws -> [String: Any] {
            let asked = try ztunnel.node.outcome([Meshctl.path, "ztunnel"] + arguments + ["--output", "json"])
            let object = try JSONSerialization.jsonObject(with: Data(asked.output.utf8))
            return try #require(object as? [String: Any], "\(asked.errors)")
        }

        @Test("A held connection is listed at both ends, explained as it went, and drained")
        func heldConnection() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let address = "\(try mesh.node("server").v4)"
            let holder = try mesh.start("client", "hold", address, "7000")
            #expect(holder.waitFor("open"), "\(holder.errors)")

            let status = try json(client, "status")
            #expect(status["ready"] as? Bool == true && status["certificate"] as? String == "Available")
            for (ztunnel, direction) in [(client, "outbound"), (server, "inbound")] {
                let listed = try json(ztunnel, "connections", "--direction", direction)
                let list = try #require(listed["connections"] as? [[String: Any]])
                #expect(list.count == 1 && list.first?["protocol"] as? String == "HBONE", "\(list)")
                #expect(list.first?["sourceIdentity"] as? String == "spiffe://cluster.local/ns/default/sa/client")
            }
            #expect(try json(server, "tunnels")["tunnels"] as? [[String: Any]] != nil)

            let explained = try json(client, "explain", "--to", "\(address):7000")
            #expect(explained["verdict"] as? String == "allowed")
            let route = try #require(explained["route"] as? [String: Any])
            #expect(route["nextHop"] as? String == "\(address):15008")
            let carriage = try #require(explained["carriage"] as? [String: Any])
            let records = try #require(status["tlsRecords"] as? String)
            #expect(carriage["tlsRecords"] as? String == records)
            let carrying = try #require((carriage["tunnels"] as? [[String: Any]])?.first)
            #expect(carrying["tlsRecords"] as? String == records && carrying["streams"] as? Int == 1)

            let dump = try json(client, "config-dump")
            let state = try #require((dump["workloadState"] as? [String: [String: Any]])?.values.first)
            let outbound = try #require((state["connections"] as? [String: [[String: Any]]])?["outbound"])
            #expect(outbound.map { $0["actualDst"] as? String } == ["\(address):15008"])
            let certificate = try #require((dump["certificates"] as? [[String: Any]])?.first)
            #expect(certificate["state"] as? String == "Available")
            #expect(!(try ask(client, "config-dump", "--output", "json")).output.contains("PRIVATE KEY"))

            // The dump answers the same question later, without a proxy.
            let file = try mesh.write(try ask(client, "config-dump", "--output", "json").output, to: "dump.json")
            let offline = try Meshctl.run("ztunnel", "explain", "--dump", file, "--to", "\(address):7000", "-o", "json")
            let again = try JSONSerialization.jsonObject(with: Data(offline.output.utf8)) as? [String: Any]
            #expect((again?["route"] as? [String: Any])?["nextHop"] as? String == "\(address):15008")
            #expect(again?["carriage"] as? NSDictionary == carriage as NSDictionary)

            #expect(try ask(client, "drain").status == 0)
            _ = try eventually("draining to be seen") {
                try json(client, "status")["draining"] as? Bool == true ? true : nil
            }
            #expect(client.process.isRunning)
            holder.signal(SIGUSR1)
            holder.wait()
            #expect(client.process.wait() == 0, "\(client.process.errors)")
            #expect(try ask(client, "status").status == 69)
        }

        @Test("The access log follows the log level at once")
        func logLevel() throws {
            let mesh = try Mesh()
            let (client, _) = try mesh.startPair()
            try mesh.serve("server")
            let address = "\(try mesh.node("server").v4)"
            #expect(try ask(client, "log-level", "access=debug,info").output == "access=debug,info\n")
            _ = try mesh.call("client", "transfer", address, "7000", "10", "10")
            _ = try client.awaitAccess("outbound")
            #expect(client.log.contains { $0["message"] == "connection opened" })
            #expect(try ask(client, "log-level", "loud").status == 64)
            #expect(try ask(client, "log-level", "--reset").output == "info\n")
        }

        @Test("173: quitquitquit ends the process with 0; the admin port is on loopback only")
        func quit() throws {
            let mesh = try Mesh()
            let (client, _) = try mesh.startPair()
            let remote = "http://\(try mesh.node("client").v4):15000/stats"
            #expect(try mesh.node("server").outcome(["curl", "-s", "-m", "2", remote]).status != 0)
            let asked = try client.node.outcome(
                ["curl", "-s", "-X", "POST", "http://127.0.0.1:15000/quitquitquit"])
            #expect(asked.output == "shutdown now\n")
            #expect(client.process.wait() == 0, "\(client.process.errors)")
        }

        @Test(
            "170: a port that is taken ends the start, and the message names it",
            arguments: [15000, 15020, 15001, 15006, 15008])
        func taken(port: Int) throws {
            let mesh = try Mesh()
            let squatter = try mesh.serve("client", ports: "\(port)")
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let outcome = try mesh.node("client").outcome(
                [Meshctl.path, "ztunnel", "run", "--config", configuration, "--workload", "default/client/client"]
                    + mesh.issue("client").options)
            #expect(outcome.status == 69 && outcome.errors.contains("\(port)"), "\(outcome.errors)")
            #expect(squatter.isRunning)
        }
    }
}
