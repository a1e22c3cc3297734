import CLinux
import MeshCore

/// Proves capture with real connections. To be used inside the namespace, on a thread of its own.
///
/// A listener stands in for the proxy. A connection that carries the proxy's mark and one that does not go to an address
/// of documentation (RFC 5737, RFC 3849), in that order: the second must arrive at the listener with its destination
/// intact, and the first must not have arrived before it.
enum RedirectProbe {
    /// How long a captured connection may take; it does not leave the machine.
    private static let patience: Int32 = 1000

    static func target(_ family: AddressFamily) -> SocketAddress {
        SocketAddress(
            family == .v4 ? IPAddress(v4: 0xc000_0201) : IPAddress(high: 0x2001_0db8_0000_0000, low: 1), 80)
    }

    static func run(_ families: [AddressFamily]) -> [RedirectVerification.Check] {
        let port = RedirectPlan.outboundPort
        func skipped(_ why: String) -> [RedirectVerification.Check] {
            families.map { .init(name($0), .skipped, why) }
        }
        let listener: Int32
        do throws(KernelError) {
            listener = try listen(port)
        } catch {
            return skipped(
                error.code == EADDRINUSE
                    ? "something listens on port \(port), where the listener of this test would have to" : "\(error)")
        }
        defer { Kernel.close(listener) }
        return families.map { probe($0, listener) }
    }

    private static func name(_ family: AddressFamily) -> String { "\(family.rawValue) outbound capture, live" }

    private static var asProxy: SocketOptions {
        var options = SocketOptions()
        options.mark = RedirectPlan.proxyMark.value
        return options
    }

    private static func listen(_ port: UInt16) throws(KernelError) -> Int32 {
        do throws(KernelError) {
            return try TCPSocket.listen(
                SocketAddress(.anyV6, port), reusePort: false, transparent: false, options: asProxy
            ).descriptor
        } catch  where error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL {
            return try TCPSocket.listen(
                SocketAddress(.anyV4, port), reusePort: false, transparent: false, options: asProxy
            ).descriptor
        }
    }

    private static func probe(_ family: AddressFamily, _ listener: Int32) -> RedirectVerification.Check {
        let (name, target) = (name(family), target(family))
        let marked = TCPSocket.connect(target, from: nil, options: asProxy).descriptor
        guard marked >= 0 else { return refused(name, target, -marked) }
        defer { Kernel.abort(marked) }
        let unmarked = TCPSocket.connect(target, from: nil, options: SocketOptions()).descriptor
        guard unmarked >= 0 else { return refused(name, target, -unmarked) }
        defer { Kernel.abort(unmarked) }
        guard let proxyPort = TCPSocket.localAddress(marked)?.port, let port = TCPSocket.localAddress(unmarked)?.port
        else { return .init(name, .unknown, "cannot read the port of a socket") }

        let deadline = Kernel.monotonicNanoseconds() + UInt64(patience) * 1_000_000
        while true {
            let now = Kernel.monotonicNanoseconds()
            guard now < deadline, cl_poll(listener, Int16(POLLIN), Int32((deadline - now) / 1_000_000) + 1) > 0 else {
                return .init(
                    name, .differs,
                    "a connection to \(target) did not arrive on port \(RedirectPlan.outboundPort); is lo up?")
            }
            let (accepted, peer) = TCPSocket.accept(listener)
            guard accepted >= 0 else { continue }
            defer { Kernel.abort(accepted) }
            if peer.port == proxyPort {
                return .init(name, .differs, "a connection with the proxy's mark was captured too")
            }
            // Other programs of the pod may connect at the same time.
            guard peer.port == port else { continue }
            let original = TCPSocket.originalDestination(accepted, isV4: family == .v4)
            guard original == target else {
                let seen = original.map(\.description) ?? "none"
                return .init(name, .differs, "a connection to \(target) arrived with original destination \(seen)")
            }
            return .init(
                name, .ok, "\(target) arrived on port \(RedirectPlan.outboundPort); with the proxy's mark it did not")
        }
    }

    private static func refused(_ name: String, _ target: SocketAddress, _ code: Int32) -> RedirectVerification.Check {
        switch code {
        case ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL:
            .init(name, .skipped, "no route to \(target.ip), which the test needs; a default route is enough")
        case EPERM:
            .init(name, .skipped, "may not set a mark on a socket; run with CAP_NET_ADMIN")
        default:
            .init(name, .skipped, KernelError(code: code, operation: "connect to \(target)").description)
        }
    }
}
