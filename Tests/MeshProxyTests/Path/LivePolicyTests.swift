import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Policies that change under open connections", .serialized)
struct LivePolicyTests {
    static func deny(port: UInt16, name: String = "stop") -> AuthorizationPolicy {
        var match = AuthorizationPolicy.Match()
        match.destinationPorts = [port]
        return AuthorizationPolicy(
            name: name, namespace: "shop", scope: .namespace, action: .deny,
            rules: [.init(clauses: [.init(matches: [match])])])
    }

    static let denyAll = AuthorizationPolicy(
        name: "nobody", namespace: "shop", scope: .namespace, action: .deny, rules: [.init()])
    static let allowAll = AuthorizationPolicy(
        name: "everybody", namespace: "shop", scope: .namespace, action: .allow, rules: [.init()])

    private func awaitClose(_ client: Int32, _ ended: Count) throws -> KernelThread {
        try KernelThread.start("client") {
            readAll(client, Count())
            ended.add(1)
            close(client)
        }
    }

    @Test("112: a refused stream ends with DENY, and the others of its tunnel live on")
    func oneOfTwo() throws {
        let mesh = try LoopbackMesh()
        let (first, second) = (try Application(), try Application())
        let (received, kept, ended) = (Count(), Count(), Count())
        let servers = [
            try first.serve { readAll($0, received) }, try second.serve { readAll($0, kept) },
        ]
        let client = try mesh.connect(to: first.address)
        let survivor = try mesh.connect(to: second.address)
        writeZeros(client, 5)
        writeZeros(survivor, 5)
        try mesh.turn { received.now == 5 && kept.now == 5 }
        #expect(mesh.reactor.tunnels.all.count == 1)

        mesh.publish(policies: [Self.deny(port: first.address.port)])
        let far = try awaitClose(client, ended)
        try mesh.turn { ended.now == 1 }
        #expect(mesh.closedInbound(.deny) == 1)
        writeZeros(survivor, 6)
        try mesh.turn { kept.now == 11 }
        #expect(mesh.reactor.tunnels.all.first?.streamCount == 1)
        close(survivor)
        try mesh.turn { mesh.reactor.connections == 2 }
        #expect(mesh.closedInbound(.deny) == 1)
        far.join()
        for server in servers { server.join() }
    }

    @Test("112: plain connections are reset too, outbound ones are not judged")
    func plaintext() throws {
        let mesh = try LoopbackMesh()
        let applications = [try Application(), try Application()]
        let (received, ended) = (Count(), Count())
        let servers = try applications.map { try $0.serve { readAll($0, received) } }
        func relay(_ direction: ConnectionRecord.Direction, to application: Application) throws -> Int32 {
            var ends: [Int32] = [0, 0]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0)
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            let peer = SocketAddress(.loopbackV4, 1)
            let record = ConnectionRecord(
                direction, source: peer, destination: application.address, start: mesh.reactor.now)
            if direction == .inbound {
                let facts = PolicyFacts(source: peer.ip, destination: application.address, peer: nil)
                #expect(mesh.reactor.judge(record, facts).isAllowed)
            }
            mesh.reactor.open(record)
            mesh.reactor.relay(ends[0], to: application.address, from: nil, record)
            return ends[1]
        }
        let inbound = try relay(.inbound, to: applications[0])
        let outbound = try relay(.outbound, to: applications[1])
        writeZeros(inbound, 5)
        writeZeros(outbound, 6)
        try mesh.turn { received.now == 11 }
        mesh.publish(policies: [Self.denyAll])
        let far = try awaitClose(inbound, ended)
        try mesh.turn { ended.now == 1 }
        #expect(mesh.closedInbound(.deny) == 1)
        writeZeros(outbound, 6)
        try mesh.turn { received.now == 17 }
        close(outbound)
        try mesh.turn { mesh.reactor.connections == 0 }
        far.join()
        for server in servers { server.join() }
    }

    @Test("113: an update that still allows closes nothing")
    func stillAllowed() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let received = Count()
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 5)
        try mesh.turn { received.now == 5 }
        for policies in [[Self.allowAll], [Self.allowAll, Self.deny(port: 1)], []] {
            mesh.publish(policies: policies)
            mesh.reactor.turn()
            try mesh.turn { mesh.reactor.walks.isEmpty }
            writeZeros(client, 1)
        }
        try mesh.turn { received.now == 8 }
        close(client)
        try mesh.turn { mesh.reactor.connections == 2 }
        #expect(mesh.closedInbound(.deny) == 0)
        server.join()
    }

    @Test("113: all connections of one source and destination close, over many turns, and none slips in between")
    func everyOne() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let count = Walk.connectionsPerTurn + 44
        var clients: [Int32] = []
        for _ in 0..<count { clients.append(try mesh.connect(to: application.address)) }
        try mesh.turn { mesh.reactor.table.all(.stream).count == 2 * count }
        mesh.publish(policies: [Self.denyAll])
        mesh.reactor.turn()
        #expect(mesh.reactor.walks.judging != nil)
        clients.append(try mesh.connect(to: application.address))
        try mesh.turn { mesh.closedInbound(.deny) == UInt64(count + 1) }
        try mesh.turn { mesh.reactor.table.all(.stream).isEmpty }
        #expect(mesh.reactor.walks.isEmpty)
        for client in clients { close(client) }
        Kernel.close(application.descriptor)
    }

    @Test("114: a policy that is gone refuses nobody any more")
    func removed() throws {
        let mesh = try LoopbackMesh(policies: [Self.denyAll])
        let application = try Application()
        let (received, ended) = (Count(), Count())
        let server = try application.serve { readAll($0, received) }
        let far = try awaitClose(try mesh.connect(to: application.address), ended)
        try mesh.turn { ended.now == 1 }
        mesh.publish(policies: [])
        mesh.reactor.turn()
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 5)
        try mesh.turn { received.now == 5 }
        close(client)
        try mesh.turn { mesh.reactor.connections == 2 }
        far.join()
        server.join()
    }

    @Test("nothing is looked at when the compiled policies are the same ones")
    func unchanged() throws {
        let mesh = try LoopbackMesh(policies: [Self.allowAll])
        mesh.publish(mesh.reactor.state.policy)
        mesh.reactor.turn()
        #expect(mesh.reactor.walks.judging == nil)
        mesh.publish(policies: [Self.allowAll, Self.denyAll])
        mesh.reactor.turn()
        // The empty table is walked in one turn, or half of it.
        #expect(!mesh.reactor.state.policy.isSame(as: PolicyEngine([Self.allowAll, Self.denyAll])))
        try mesh.turn { mesh.reactor.walks.isEmpty }
    }

    @Test("without a record of our own workload nothing new is taken, and what is open goes on under its policies")
    func ownRemoved() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let (received, ended) = (Count(), Count())
        let server = try application.serve { readAll($0, received) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 5)
        try mesh.turn { received.now == 5 }
        mesh.publish(policies: [], isOwnKnown: false)
        mesh.reactor.turn()
        let refused = try awaitClose(try mesh.connect(to: application.address), ended)
        try mesh.turn { ended.now == 1 }
        writeZeros(client, 6)
        try mesh.turn { received.now == 11 }
        mesh.publish(policies: [Self.denyAll], isOwnKnown: false)
        let far = try awaitClose(client, ended)
        try mesh.turn { ended.now == 2 }
        #expect(mesh.closedInbound(.deny) == 1)
        refused.join()
        far.join()
        server.join()
    }
}
