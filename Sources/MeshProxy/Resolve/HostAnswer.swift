package import MeshCore

/// Why a hostname has led to no address.
package enum LookupFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// It does not exist, or has no address of a family that was asked for.
    case noAddress
    case failed(String)
    case timedOut(seconds: Int)
    /// More look-ups are under way than we are willing to queue.
    case tooMany
    /// Nobody here resolves names for applications.
    case noResolver

    package var description: String {
        switch self {
        case .noAddress: "it has no address"
        case .failed(let why): why
        case .timedOut(let seconds): "no answer within \(seconds) s"
        case .tooMany: "too many look-ups are waiting"
        case .noResolver: "names are resolved only where the DNS proxy is on; turn DNS_CAPTURE on, or give an address"
        }
    }
}

/// Never an empty list.
package typealias HostAnswer = Result<[IPAddress], LookupFailure>

/// Resolves names as an application of a workload would see them: the mesh's services, then the world.
package protocol NameResolver: Sendable {
    /// Asks for the addresses that `name` has in one family, best first.
    ///
    /// Called on a reactor's thread: it must return at once.
    /// - Parameter answer: to be called once, on any thread. An answer that comes too late is dropped.
    func resolve(
        _ name: String, wantsV4: Bool, for client: Workload, answer: @escaping @Sendable (HostAnswer) -> Void)
}

/// Who turns names into addresses for the data path.
package struct Resolvers: Sendable {
    /// For workloads of which only a hostname is known.
    package let hosts: HostResolver
    /// For names that applications give to SOCKS5; `nil` refuses them.
    package let names: (any NameResolver)?

    package init(hosts: HostResolver = HostResolver(), names: (any NameResolver)? = nil) {
        self.hosts = hosts
        self.names = names
    }
}
