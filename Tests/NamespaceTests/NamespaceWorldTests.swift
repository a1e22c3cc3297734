import MeshCore
import MeshLinux
import MeshTestSupport
import Testing

@Suite("A world of namespaces", .enabled(if: NamespaceWorld.isUsable, "needs root and iproute2"))
struct NamespaceWorldTests {
    @Test("joins its nodes in both families")
    func joins() throws {
        let world = try NamespaceWorld(prefix: "world")
        let (client, server) = (try world.node("client"), try world.node("server"))
        #expect(client.v4.description == "10.77.0.1")
        #expect(server.v6.description == "fd77::2")
        for address in server.addresses {
            #expect(try client.exec("ip", "route", "get", "\(address)").contains("eth0"))
            let listener = try server.run {
                try TCPSocket.listen(SocketAddress(address, 0), reusePort: false, transparent: false, options: .init())
            }
            defer { Kernel.close(listener.descriptor) }
            let target = try #require(TCPSocket.localAddress(listener.descriptor))
            let stream = try client.run { TCPSocket.connect(target, from: nil, options: .init()).descriptor }
            defer { Kernel.close(stream) }
            Kernel.wait(stream, writable: true)
            #expect(Kernel.pendingError(stream) == 0)
        }
        #expect(try client.exec("cat", input: "hello") == "hello")
    }

    @Test("runs a block inside, and leaves the calling thread where it was")
    func runsInside() throws {
        let world = try NamespaceWorld(prefix: "world")
        let node = try world.node("one")
        let before = try NetworkNamespace(.own).identity
        let inside = try node.run { try NetworkNamespace(.own).identity }
        #expect(inside == node.namespace.identity)
        #expect(inside != before)
        #expect(try NetworkNamespace(.own).identity == before)
    }

    @Test("spawns programs inside, and ends them with the world")
    func spawns() throws {
        let world = try NamespaceWorld(prefix: "world")
        let node = try world.node("one")
        let process = try node.spawn("sh", "-c", "echo ready; exec sleep 60")
        #expect(process.waitFor("ready"))
        #expect(try NetworkNamespace(.pid(process.pid)).identity == node.namespace.identity)
        world.destroy()
        #expect(!process.isRunning)
        #expect(throws: NamespaceError.self) { _ = try NetworkNamespace(.name(node.netns)).identity }
    }
}
