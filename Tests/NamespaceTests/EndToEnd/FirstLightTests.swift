import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("First light")
    struct FirstLight {
        @Test("An HTTP request crosses the mesh, and both sides log and count it with both identities")
        func webRequest() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            let page = String(repeating: "first light\n", count: 1_000)
            try mesh.write(page, to: "page.txt")
            let web = try mesh.node("server").spawn(
                "python3", "-m", "http.server", "--bind", "::", "--directory", mesh.folder.path, "8080")
            let address = try mesh.node("server").v4
            _ = try eventually("the web server") {
                try mesh.node("server").outcome(["curl", "-sf", "http://127.0.0.1:8080/page.txt"]).status == 0
                    ? true : nil
            }

            let answer = try mesh.node("client").outcome(["curl", "-sS", "-m", "10", "http://\(address):8080/page.txt"])

            #expect(answer.output == page, "\(answer.errors)\n\(client.log)\n\(server.log)")
            for (ztunnel, direction) in [(client, "outbound"), (server, "inbound")] {
                let line = try ztunnel.awaitAccess(direction) { $0["src.identity"] != nil }
                #expect(line["src.identity"] == EndToEnd.clientID)
                #expect(line["dst.identity"] == EndToEnd.serverID)
                #expect(line["src.workload"] == "client")
                #expect(line["dst.workload"] == "server")
                #expect(line["dst.hbone_addr"] == "\(address):8080")
                #expect(line["error"] == nil)
                #expect(line["message"] == "connection complete")
            }
            let outbound = try client.awaitAccess("outbound")
            let inbound = try server.awaitAccess("inbound")
            // The reporter's viewpoint: what the one sent is what the other received, less than nothing is lost.
            #expect((outbound.number("bytes_recv") ?? 0) > page.utf8.count)
            #expect(outbound.number("bytes_recv") == inbound.number("bytes_sent"))
            #expect(outbound.number("bytes_sent") == inbound.number("bytes_recv"))

            for (ztunnel, reporter) in [(client, "source"), (server, "destination")] {
                let labels = ["reporter=\"\(reporter)\"", "connection_security_policy=\"mutual_tls\""]
                for metric in ["istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total"] {
                    #expect(try ztunnel.metric(metric, labels[0], labels[1]) == 1, "\(metric)")
                }
                #expect(
                    try ztunnel.metric("istio_tcp_sent_bytes_total", labels[0], labels[1])
                        == Double(outbound.number("bytes_recv") ?? -1))
                #expect(
                    try ztunnel.metric("istio_tcp_received_bytes_total", labels[0], labels[1])
                        == Double(outbound.number("bytes_sent") ?? -1))
            }
            _ = web
        }

        @Test("An address of a service reaches its pod, over either family", arguments: ["10.96.0.10", "fd96::10"])
        func service(address: String) throws {
            let mesh = try Mesh(pods: ["client"])
            mesh.document.addWorkload(
                try mesh.node("server"), services: ["default/echo.default.svc.cluster.local": (80, 7000)])
            mesh.document.addService("echo", addresses: ["10.96.0.10", "fd96::10"], port: 80, target: 7000)
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")

            let result = try mesh.call("client", "transfer", address, "80", "100000", "200000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            let line = try client.awaitAccess("outbound")
            #expect(line["dst.service"] == "echo.default.svc.cluster.local")
            let pod = try mesh.node("server")
            #expect(line["dst.hbone_addr"] == (address.contains(":") ? "[\(pod.v6)]:7000" : "\(pod.v4):7000"))
        }

        @Test("A pod that its service chooses for it talks to its own proxy", arguments: ["10.96.0.10", "fd96::10"])
        func hairpin(address: String) throws {
            let mesh = try Mesh(pods: [])
            mesh.document.addWorkload(
                try mesh.node("server"), services: ["default/echo.default.svc.cluster.local": (80, 7000)])
            mesh.document.addService("echo", addresses: ["10.96.0.10", "fd96::10"], port: 80, target: 7000)
            let server = try mesh.startZtunnel("server")
            try mesh.redirect("server")
            try mesh.serve("server")

            let result = try mesh.call("server", "transfer", address, "80", "100000", "200000")

            #expect(result.up == true && result.down == true, "\(result) \(server.log)")
            for direction in ["outbound", "inbound"] {
                let line = try server.awaitAccess(direction)
                #expect(line["src.identity"] == EndToEnd.serverID && line["dst.identity"] == EndToEnd.serverID)
                #expect(line["error"] == nil)
            }
        }

        @Test("IPv6 goes through HBONE like IPv4")
        func six() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let address = "\(try mesh.node("server").v6)"

            let result = try mesh.call("client", "transfer", address, "7000", "1000000", "1000000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            let line = try server.awaitAccess("inbound")
            #expect(line["dst.hbone_addr"] == "[\(address)]:7000")
            #expect(line["src.identity"] == EndToEnd.clientID)
        }

        @Test("Many connections of one client share few tunnels")
        func pool() throws {
            let mesh = try Mesh()
            // Each reactor thread has its own pool.
            _ = try mesh.startZtunnel("client", options: ["--threads", "1"])
            _ = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let target = "\(try mesh.node("server").v4)"
            for _ in 0..<20 {
                #expect(try mesh.call("client", "transfer", target, "7000", "10", "10").up == true)
            }
            let sockets = try mesh.node("client").exec("ss", "-Htn", "state", "established", "dport", "=", ":15008")
            #expect(sockets.split(separator: "\n").count == 1)
        }

        @Test("The plain log has the fields of an access line in their order")
        func plainLog() throws {
            let mesh = try Mesh()
            let client = try mesh.startZtunnel("client", options: ["--log-format", "plain"])
            _ = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            _ = try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "10", "10")

            let line = try eventually("an access line") {
                (client.process.output + client.process.errors).split(separator: "\n")
                    .first { $0.contains("\taccess\tconnection complete\t") }
            }
            let columns = line.split(separator: "\t")
            #expect(columns.count == 5)
            #expect(columns[1] == "info")
            let keys = columns.last?.split(separator: " ").compactMap {
                $0.split(separator: "=").first.map(String.init)
            }
            let expected = [
                "src.addr", "src.workload", "src.namespace", "src.identity", "dst.addr", "dst.hbone_addr",
                "dst.workload", "dst.namespace", "dst.identity", "direction", "bytes_sent", "bytes_recv", "duration",
            ]
            #expect(keys == expected)
            #expect(line.contains(" src.identity=\"\(EndToEnd.clientID)\" "))
            #expect(line.contains(" direction=\"outbound\" "))
        }
    }
}
