import Glibc
import MeshCore
import MeshLinux
import MeshState
import MeshWire
import Synchronization
import Testing

@testable import MeshProxy

/// Answers names from a table, as the DNS proxy would.
private struct Names: NameResolver {
    let table: [String: [IPAddress]]
    let asked = Asked()

    final class Asked: Sendable { let list = Mutex<[String]>([]) }

    func resolve(
        _ name: String, wantsV4: Bool, for client: Workload, answer: @escaping @Sendable (HostAnswer) -> Void
    ) {
        asked.list.withLock { $0.append("\(name) \(wantsV4 ? "A" : "AAAA") for \(client.name)") }
        if name == "silent" { return }
        answer(table[name].map { .success($0) } ?? .failure(.noAddress))
    }
}

@Suite("A connection through SOCKS5", .serialized)
struct SOCKS5PathTests {
    // Not on loopback: there the applications are, which belong to no mesh.
    private static let own = Workload.peer("client", "web", "front") { $0.addresses = [IPAddress(v4: 0x0a01_0101)] }
    private static func request(_ name: String, _ port: UInt16) -> [UInt8] {
        [5, 1, 0, 5, 1, 0, 3, UInt8(name.utf8.count)] + name.utf8 + [UInt8(port >> 8), UInt8(port & 255)]
    }

    @Test("is carried like a captured one, and bytes that came early are not lost")
    func early() throws {
        let application = try Echo()
        let node = try ProxyNode("front", own: Self.own, [])
        let client = try node.connect(.socks5)
        let port = application.address.port
        client.send([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, UInt8(port >> 8), UInt8(port & 255)] + Array("early".utf8))
        #expect(client.receive(12) == SOCKS5Reply.noAuthentication + SOCKS5Reply.accepted)
        client.send(" and late")
        #expect(client.receive(14) == Array("early and late".utf8))
        client.finish()
        #expect(client.receiveAll().isEmpty)
        let line = try node.line("connection complete")
        #expect(line.contains("dst.addr=\(application.address)"))
        #expect(line.contains("src.workload=\"client\""))
    }

    @Test("works when the bytes come one by one")
    func byteByByte() throws {
        let application = try Echo()
        let node = try ProxyNode("front", own: Self.own, [])
        let client = try node.connect(.socks5)
        var on: Int32 = 1
        setsockopt(client.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        let port = application.address.port
        for byte in [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, UInt8(port >> 8), UInt8(port & 255)] as [UInt8] {
            client.send([byte])
        }
        #expect(client.receive(12) == SOCKS5Reply.noAuthentication + SOCKS5Reply.accepted)
    }

    @Test("has tunnels of its own")
    func pool() throws {
        let mesh = try LoopbackMesh()
        let source = SocketAddress(.loopbackV4, 1)
        let application = try Application()
        defer { Kernel.close(application.descriptor) }
        let captured = try mesh.connect(to: application.address)
        let identity = try #require(mesh.workload.identity)
        let hop = try #require(mesh.reactor.tunnels.all.first?.peer)
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
        let record = ConnectionRecord(.outbound, source: source, destination: application.address, start: 0)
        mesh.reactor.tunnel(
            ends[0], source,
            HBONERoute(
                nextHop: hop, authority: "127.0.0.1:1", expectedIdentities: [identity], destinationWorkload: nil,
                service: nil, actual: application.address, reason: .workload), record, .socks5)
        #expect(mesh.reactor.tunnels.all.count == 2)
        close(ends[1])
        close(captured)
    }

    @Test("names are resolved for the workload, and the first answer is taken")
    func names() throws {
        let application = try Echo()
        let names = Names(table: ["echo.shop": [.loopbackV4, IPAddress(v4: 0x7f00_0002)]])
        let node = try ProxyNode("front", own: Self.own, [], resolvers: Resolvers(names: names))
        let client = try node.connect(.socks5)
        client.send(Self.request("echo.shop", application.address.port) + Array("hi".utf8))
        #expect(client.receive(14) == SOCKS5Reply.noAuthentication + SOCKS5Reply.accepted + Array("hi".utf8))
        #expect(names.asked.list.withLock { $0 } == ["echo.shop A for client"])
    }

    @Test(
        "a name that cannot be resolved is answered 4, with the reason in the log",
        arguments: [
            (true, "nothing.shop", "it has no address"), (false, "echo.shop", "DNS_CAPTURE"),
            (true, "silent", "no answer within 1 s"),
        ])
    func unresolved(hasResolver: Bool, name: String, reason: String) throws {
        let resolvers = Resolvers(names: hasResolver ? Names(table: [:]) : nil)
        let node = try ProxyNode("front", own: Self.own, [], resolvers: resolvers) { $0.connectTimeout = 1 }
        let client = try node.connect(.socks5)
        client.send(Self.request(name, 80))
        #expect(client.receive(12) == SOCKS5Reply.noAuthentication + SOCKS5Reply.refused(.unreachable))
        #expect(client.receiveAll().isEmpty)
        let line = try node.line("connection failed")
        #expect(line.contains(name) && line.contains(reason), "\(line)")
    }

    @Test(
        "what is not SOCKS5 is answered and closed",
        arguments: [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), SOCKS5Reply.refused(.notSupported)), ([5, 1, 2], [5, 0xff]),
            ([5, 1, 0, 5, 2, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0] + SOCKS5Reply.refused(.notSupported)),
        ] as [([UInt8], [UInt8])])
    func refused(bytes: [UInt8], answer: [UInt8]) throws {
        let node = try ProxyNode("front", own: Self.own, [])
        let client = try node.connect(.socks5)
        client.send(bytes)
        // What was not read may turn the close into a reset, which can overtake the answer.
        let got = client.receive(answer.count)
        #expect(got == answer || got.isEmpty)
        #expect(try node.line("connection failed").contains("SOCKS"))
    }

    @Test("a client that says nothing is closed")
    func silent() throws {
        let node = try ProxyNode("front", own: Self.own, []) { $0.handshakeTimeout = 1 }
        let client = try node.connect(.socks5)
        #expect(client.end() != EAGAIN)
        #expect(try node.line("connection failed").contains("no SOCKS5 request within 1 s"))
    }

    @Test("a port of the proxy itself is refused")
    func selfCall() throws {
        let node = try ProxyNode("front", own: Self.own, []) { $0.illegalPorts = [15080] }
        let client = try node.open(SocketAddress(.loopbackV4, 15080))
        #expect(client.end() != EAGAIN)
        #expect(try node.line("connection failed").contains("port of the proxy itself"))
    }

    @Test("is refused while the records have no workload of ours, as a captured one is")
    func ownUnknown() throws {
        let node = try ProxyNode("front", own: Self.own, [])
        node.loseOwnRecord()
        let client = try node.connect(.socks5)
        client.send([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80])
        #expect(client.receive(12) == SOCKS5Reply.noAuthentication + SOCKS5Reply.refused(.general))
        #expect(try node.line("connection failed").contains("no record of our own workload web/client"))
    }

    @Test("what still speaks is cut by a stop, and waited for by a drain")
    func ending() throws {
        let node = try ProxyNode("front", own: Self.own, [])
        let client = try node.connect(.socks5)
        client.send([5, 1, 0])
        #expect(client.receive(2) == SOCKS5Reply.noAuthentication)
        node.plane.stop()
        #expect(client.end() != EAGAIN)
    }
}
