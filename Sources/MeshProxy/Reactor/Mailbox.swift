import MeshCore
import MeshLinux
import Synchronization

/// What the control plane tells a reactor.
enum Mail: Sendable {
    case publish(ProxyState)
    /// Stop accepting, let connections finish, cut what is left after the deadline.
    case drain
    /// Close everything and end the thread.
    case stop
}

/// The way into a reactor from other threads: a queue and a doorbell.
final class Mailbox: Sendable {
    private let queue = Mutex<[Mail]>([])
    private let doorbell: Doorbell

    init() throws(KernelError) { doorbell = try Doorbell() }

    var descriptor: Int32 { doorbell.descriptor }

    func post(_ mail: Mail) {
        queue.withLock { $0.append(mail) }
        doorbell.ring()
    }

    func collect() -> [Mail] {
        doorbell.clear()
        return queue.withLock { queue in
            defer { queue = [] }
            return queue
        }
    }
}
