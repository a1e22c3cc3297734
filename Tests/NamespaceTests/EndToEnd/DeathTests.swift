import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Abrupt death")
    struct Death {
        /// How long the survivor may take to notice; generous, since the machine may be busy.
        static let prompt = 5.0

        /// A client that is reading an endless answer through the mesh.
        private func flowing(_ mesh: Mesh) throws -> NamespaceProcess {
            let client = try mesh.start("client", "sink", "\(try mesh.node("server").v4)", "7000")
            #expect(client.waitFor("flowing"), "\(client.output) \(client.errors)")
            return client
        }

        @Test("The server application is killed in the middle: the client's connection ends at once")
        func serverApplication() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            let application = try mesh.serve("server")
            let reader = try flowing(mesh)

            let killed = Date().timeIntervalSince1970
            application.signal(SIGKILL)
            reader.wait()

            let result = try Peer.result(of: reader)
            #expect((result.at ?? .infinity) - killed < Self.prompt)
            _ = try server.awaitAccess("inbound")
            _ = try client.awaitAccess("outbound")
        }

        @Test("The far ztunnel is killed in the middle: the client sees a reset, and the log says why")
        func farZtunnel() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let reader = try flowing(mesh)

            let killed = Date().timeIntervalSince1970
            server.process.signal(SIGKILL)
            reader.wait()

            let result = try Peer.result(of: reader)
            #expect((result.at ?? .infinity) - killed < Self.prompt)
            // An end of file would tell the application that it has everything.
            #expect(result.end == "Connection reset by peer")
            let line = try client.awaitAccess("outbound")
            #expect(line["error"]?.isEmpty == false, "\(line)")
        }

        @Test("The near ztunnel is killed in the middle: the server application's connection ends, nothing is left")
        func nearZtunnel() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let reader = try flowing(mesh)

            client.process.signal(SIGKILL)
            reader.wait()

            let line = try server.awaitAccess("inbound")
            #expect(line["error"]?.isEmpty == false, "\(line)")
            _ = try eventually("the server application's connection to go") {
                try mesh.node("server").exec("ss", "-Htn", "state", "established", "sport", "=", ":7000").isEmpty
                    ? true : nil
            }
        }

        @Test("A killed client leaves no connection behind at the server")
        func clientApplication() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let reader = try flowing(mesh)

            reader.signal(SIGKILL)

            _ = try client.awaitAccess("outbound")
            _ = try server.awaitAccess("inbound")
            _ = try eventually("the server application's connection to go") {
                try mesh.node("server").exec("ss", "-Htn", "state", "established", "sport", "=", ":7000").isEmpty
                    ? true : nil
            }
        }

        @Test("After the far ztunnel has come back, new connections work")
        func restart() throws {
            let mesh = try Mesh()
            let (client, server) = try mesh.startPair()
            try mesh.serve("server")
            let target = "\(try mesh.node("server").v4)"
            #expect(try mesh.call("client", "transfer", target, "7000", "10", "10").up == true)

            server.process.signal(SIGKILL)
            server.process.wait()
            _ = try mesh.startZtunnel("server")

            let result = try mesh.call("client", "transfer", target, "7000", "1000", "1000")
            #expect(result.up == true && result.down == true, "\(result) \(client.log)")
        }
    }
}
