import Foundation
import MeshCore
import MeshLinux
import MeshTestSupport

/// Listeners of one node and a thread inside it that answers, one connection after another.
class Stub: @unchecked Sendable {
    private let listeners: [Int32]
    private let stop: (read: Int32, write: Int32)
    private let ended = DispatchSemaphore(value: 0)
    /// The ports listened on, as asked for, 0 replaced.
    let ports: [UInt16]

    init(_ node: NamespaceNode, ports: [UInt16], mark: UInt32?) throws {
        var options = SocketOptions()
        options.mark = mark
        listeners = try node.run {
            try ports.map {
                try TCPSocket.listen(
                    SocketAddress(.anyV6, $0), reusePort: false, transparent: mark != nil, options: options
                ).descriptor
            }
        }
        self.ports = listeners.map { TCPSocket.localAddress($0)?.port ?? 0 }
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        stop = (ends[0], ends[1])
        Thread.detachNewThread { [self] in
            try? node.run { serve() }
            ended.signal()
        }
    }

    private func serve() {
        while true {
            var ready = (listeners + [stop.read]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&ready, nfds_t(ready.count), -1)
            if ready.last?.revents != 0 { return }
            for (listener, port) in zip(ready, ports) where listener.revents != 0 {
                let (accepted, peer) = TCPSocket.accept(listener.fd)
                guard accepted >= 0 else { continue }
                let conversation = Conversation(accepted)
                defer { conversation.end() }
                do {
                    try answer(conversation, peer: peer, port: port)
                } catch {
                    // The client sees the end of the connection.
                }
            }
        }
    }

    func answer(_ conversation: Conversation, peer: SocketAddress, port: UInt16) throws {}

    /// Closes the listeners. To be called once.
    func end() {
        close(stop.write)
        ended.wait()
        for descriptor in listeners + [stop.read] { close(descriptor) }
    }
}

/// An application: says whom it sees.
final class App: Stub, @unchecked Sendable {
    var port: UInt16 { ports[0] }

    init(_ node: NamespaceNode, port: UInt16 = 0) throws { try super.init(node, ports: [port], mark: nil) }

    override func answer(_ conversation: Conversation, peer: SocketAddress, port: UInt16) throws {
        _ = try conversation.line()
        try conversation.send("app saw \(peer.ip)")
    }
}

/// What ztunnel does with the three kinds of connection, without TLS: passes a line on, and says so in the answer.
final class Proxy: Stub, @unchecked Sendable {
    init(_ node: NamespaceNode, dns: Bool = false) throws {
        try super.init(node, ports: [15001, 15006, 15008] + (dns ? [15053] : []), mark: 0x539)
    }

    override func answer(_ conversation: Conversation, peer: SocketAddress, port: UInt16) throws {
        guard port != 15008, port != 15053 else {
            _ = try conversation.line()
            try conversation.send("\(port)")
            return
        }
        guard let target = TCPSocket.originalDestination(conversation.descriptor, isV4: peer.ip.isV4) else { return }
        let question = try conversation.line()
        let upstream: Conversation
        do {
            // Inbound, the application is to see the client itself.
            upstream = try Conversation(to: target, from: port == 15006 ? peer.ip : nil, mark: 0x539)
        } catch {
            try conversation.send("\(port) to \(target) from \(peer.ip): no answer")
            return
        }
        defer { upstream.end() }
        try upstream.send(question)
        try conversation.send("\(port) to \(target) from \(peer.ip): \(upstream.line())")
    }
}

func end(_ stubs: Stub...) { for stub in stubs { stub.end() } }
