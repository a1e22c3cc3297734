import Foundation
package import MeshCore
package import MeshLinux

/// A small network for one test: named nodes, each a network namespace with one link to a shared switch.
///
/// Nothing outside is touched: the switch is a namespace too. Every node has `lo`, `eth0` with one address per family,
/// and a default route per family (to the switch, which answers nothing), so documentation addresses have a route.
/// Names carry the process number, so worlds may live side by side. Everything goes when the value goes.
package final class NamespaceWorld: @unchecked Sendable {
    /// `nil` when worlds can be made here, else the reason. Set MESHCTL_REQUIRE_ROOT=1 to fail instead of skip.
    package static let whyUnusable: String? = {
        if getenv("MESHCTL_REQUIRE_ROOT").map({ String(cString: $0) }) == "1" { return nil }
        let name = "mesh-try-\(getpid())"
        do {
            try NamespaceWorld.ip("netns", "add", name)
            try NamespaceWorld.ip("netns", "delete", name)
            return nil
        } catch {
            return "needs root and iproute2: \(error)"
        }
    }()
    package static var isUsable: Bool { whyUnusable == nil }

    private static let counter = Counter()

    private let prefix: String
    private let hub: String
    private let lock = NSLock()
    /// Guarded by `lock`, as is `destroyed`.
    private var nodes: [String: NamespaceNode] = [:]
    private var destroyed = false

    /// - Parameter prefix: a short word that says who made the namespaces, such as "redirect".
    package init(prefix: String) throws {
        self.prefix = "\(prefix)-\(getpid())-\(Self.counter.next())"
        hub = "\(self.prefix)-switch"
        try Self.ip("netns", "add", hub)
        try Self.ip("-n", hub, "link", "add", "switch", "type", "bridge")
        try Self.ip("-n", hub, "addr", "add", "10.77.0.254/24", "dev", "switch")
        try Self.ip("-n", hub, "addr", "add", "fd77::fe/64", "dev", "switch", "nodad")
        try Self.ip("-n", hub, "link", "set", "switch", "up")
    }

    deinit { destroy() }

    /// The node of that name, made on first use. Addresses are 10.77.0.N and fd77::N, N counting from 1.
    package func node(_ name: String) throws -> NamespaceNode {
        try lock.withLock {
            if let known = nodes[name] { return known }
            let number = nodes.count + 1
            precondition(number < 250, "a world has at most 249 nodes")
            let netns = "\(prefix)-\(name)"
            try Self.ip("netns", "add", netns)
            let node = try NamespaceNode(name: name, netns: netns, number: number)
            nodes[name] = node
            // Addresses are there at once, not after duplicate address detection.
            try node.run {
                try Data("0".utf8).write(to: URL(fileURLWithPath: "/proc/sys/net/ipv6/conf/default/accept_dad"))
            }
            try Self.ip("-n", netns, "link", "set", "lo", "up")
            try Self.ip(
                "-n", hub, "link", "add", "port\(number)", "type", "veth", "peer", "name", "eth0", "netns", netns)
            try Self.ip("-n", hub, "link", "set", "port\(number)", "master", "switch", "up")
            try Self.ip("-n", netns, "addr", "add", "\(node.v4)/24", "dev", "eth0")
            try Self.ip("-n", netns, "addr", "add", "\(node.v6)/64", "dev", "eth0", "nodad")
            try Self.ip("-n", netns, "link", "set", "eth0", "up")
            try Self.ip("-n", netns, "route", "add", "default", "via", "10.77.0.254")
            try Self.ip("-n", netns, "-6", "route", "add", "default", "via", "fd77::fe", "dev", "eth0")
            return node
        }
    }

    /// Stops what was spawned and deletes the namespaces; a second call does nothing.
    package func destroy() {
        let doomed: [NamespaceNode]? = lock.withLock {
            defer { destroyed = true }
            return destroyed ? nil : Array(nodes.values)
        }
        guard let doomed else { return }
        for node in doomed {
            node.stopAll()
            _ = try? Self.ip("netns", "delete", node.netns)
        }
        _ = try? Self.ip("netns", "delete", hub)
    }

    /// Runs `ip` with these arguments; its output.
    @discardableResult
    package static func ip(_ arguments: String...) throws -> String {
        try NamespaceCommand.run(["ip"] + arguments)
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        /// Guarded by `lock`.
        private var value = 0
        func next() -> Int {
            lock.withLock {
                value += 1
                return value
            }
        }
    }
}

/// One network namespace of a world.
package final class NamespaceNode: @unchecked Sendable {
    package let name: String
    /// The name that `ip netns` knows.
    package let netns: String
    package let v4: IPAddress
    package let v6: IPAddress
    package let namespace: NetworkNamespace
    private let lock = NSLock()
    /// Guarded by `lock`.
    private var running: [NamespaceProcess] = []

    fileprivate init(name: String, netns: String, number: Int) throws {
        self.name = name
        self.netns = netns
        v4 = IPAddress(v4: 0x0a4d_0000 | UInt32(number))
        v6 = IPAddress(high: 0xfd77_0000_0000_0000, low: UInt64(number))
        namespace = try NetworkNamespace(.name(netns))
    }

    /// Both addresses, IPv4 first.
    package var addresses: [IPAddress] { [v4, v6] }

    /// Runs a synchronous block inside the namespace, on a thread of its own. Sockets made there stay in it.
    @discardableResult
    package func run<Value>(_ body: () throws -> Value) throws -> Value { try namespace.run(body).get() }

    /// Runs a program inside and waits; its output. A status other than 0 throws `NamespaceCommand.Failure`.
    @discardableResult
    package func exec(_ arguments: String..., input: String? = nil) throws -> String {
        try NamespaceCommand.run(["ip", "netns", "exec", netns] + arguments, input: input)
    }

    /// Starts a program inside; it is stopped with the world at the latest.
    package func spawn(_ arguments: String..., environment: [String: String] = [:]) throws -> NamespaceProcess {
        try spawn(arguments, environment: environment)
    }

    package func spawn(_ arguments: [String], environment: [String: String] = [:]) throws -> NamespaceProcess {
        let process = try NamespaceProcess(["ip", "netns", "exec", netns] + arguments, environment: environment)
        lock.withLock { running.append(process) }
        return process
    }

    fileprivate func stopAll() {
        for process in lock.withLock({ running }) { process.stop() }
    }
}
