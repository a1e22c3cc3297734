import MeshCore
import MeshDNS
import MeshProxy
import MeshState
import Synchronization

/// Lets the data path ask the DNS proxy, which is made after it.
final class DNSNames: NameResolver {
    private let server = Mutex<DNSServer?>(nil)

    func serve(_ server: DNSServer?) { self.server.withLock { $0 = server } }

    /// In dedicated mode the client is the workload that the DNS proxy answers for.
    func resolve(
        _ name: String, wantsV4: Bool, for client: Workload, answer: @escaping @Sendable (HostAnswer) -> Void
    ) {
        guard let server = server.withLock({ $0 }) else { return answer(.failure(.noResolver)) }
        server.resolve(name, wantsV4 ? .v4 : .v6) { found in
            answer(found.addresses.isEmpty ? .failure(.failed(found.reason)) : .success(found.addresses))
        }
    }
}
