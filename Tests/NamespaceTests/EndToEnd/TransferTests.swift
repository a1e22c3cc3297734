import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Bytes")
    struct Transfer {
        @Test("1 GiB goes each way at once, whole and in order")
        func gigabyte() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let gibibyte = "\(1 << 30)"

            let result = try mesh.call(
                "client", "transfer", "\(try mesh.node("server").v4)", "7000", gibibyte, gibibyte, within: 300)

            #expect(result.up == true && result.down == true, "\(result)")
            let line = try server.awaitAccess("inbound")
            #expect((line.number("bytes_sent") ?? 0) >= 1 << 30)
            #expect((line.number("bytes_recv") ?? 0) >= 1 << 30)
            #expect(client.residentKiB < 64 << 10)
            #expect(server.residentKiB < 64 << 10)
        }

        @Test("A client that has shut down its side still gets the whole answer", arguments: ["server", "outsider"])
        func clientHalfClose(destination: String) throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve(destination)

            let result = try mesh.call(
                "client", "late", "\(try mesh.node(destination).v4)", "7000", "3000000", "20000000")

            #expect(result.up == true && result.down == true, "\(result) \(client.log) \(server.log)")
            #expect(try client.awaitAccess("outbound")["error"] == nil)
        }

        @Test("A server that has shut down its side still gets the whole upload", arguments: ["server", "outsider"])
        func serverHalfClose(destination: String) throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            let application = try mesh.serve(destination)

            let result = try mesh.call(
                "client", "early", "\(try mesh.node(destination).v4)", "7000", "20000000", "30000000")

            #expect(result.down == true, "\(result) \(client.log) \(server.log)")
            let digest = try #require(result.digest)
            #expect(application.waitFor(digest), "the server got other bytes: \(application.output)")
            #expect(try client.awaitAccess("outbound")["error"] == nil)
        }

        @Test("1,000 tunnels are open at once and all of them work")
        func thousandTunnels() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")

            let result = try mesh.call("client", "tunnels", "\(try mesh.node("server").v4)", "7000", "1000")

            #expect(result.held == 1_000, "\(result)")
            #expect(result.failures == 0, "\(result) \(client.log.suffix(3)) \(server.log.suffix(3))")
            _ = try eventually("all to be closed") {
                try server.metric("istio_tcp_connections_closed_total", "reporter=\"destination\"") == 1_000
                    ? true : nil
            }
        }

        @Test("A slow reader does not make the proxies buffer the stream")
        func slowReader() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let reader = try mesh.node("client").spawn(
                "python3", "-c",
                """
                import socket, signal
                s = socket.create_connection(("\(try mesh.node("server").v4)", 7000))
                s.sendall(b"flood\\n"); s.recv(1); print("open", flush=True); signal.pause()
                """)
            #expect(reader.waitFor("open"))
            // The application has stopped writing when the kernel's count of its bytes stands still.
            _ = try eventually("the stream to stop") {
                let before = try acknowledged(in: mesh)
                usleepMilliseconds(300)
                return try acknowledged(in: mesh) == before && before > 0 ? true : nil
            }
            #expect(client.residentKiB < 64 << 10)
            #expect(server.residentKiB < 64 << 10)
        }

        /// Bytes of the server application that its ztunnel's kernel has taken.
        private func acknowledged(in mesh: Mesh) throws -> Int {
            let sockets = try mesh.node("server").exec("ss", "-Htin", "state", "established", "sport", "=", ":7000")
            let words = sockets.split(whereSeparator: \.isWhitespace)
            return words.first { $0.hasPrefix("bytes_acked:") }.flatMap { Int($0.dropFirst(12)) } ?? 0
        }
    }
}
