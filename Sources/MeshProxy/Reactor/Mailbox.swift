import MeshCore
import MeshLinux
import Synchronization

/// What the control plane tells a reactor.
enum Mail: Sendable {
    case publish(ProxyState)
    /// Stop accepting, let connections finish, cut what is left after the deadline.
    case drain
    /// The answer to a look-up, for whom the token names if that one still waits.
    case resolved(token: UInt64, HostAnswer)
    /// Answered when what was posted before has been taken.
    case settled(@Sendable () -> Void)
    /// Close everything and end the thread.
    case stop
    /// Lists what is open. Answered in any case, with what is known when the reactor ends first.
    case connections(@Sendable ([ConnectionInfo]) -> Void)
    case tunnels(@Sendable ([TunnelInfo]) -> Void)
    case accessLog(AccessLogOptions.Threshold)
    case policyLog(AccessLogOptions.Threshold)
    /// From the worker's other reactor: a tunnel to go on with.
    case take(MovingTunnel)
    /// From the second reactor: a tunnel that had come from the first one's pool has ended.
    case ended(TunnelPool.Key)
}

extension Mail {
    /// Nobody will read this any more.
    func answerEmpty() {
        switch self {
        case .connections(let answer): answer([])
        case .tunnels(let answer): answer([])
        case .settled(let answer): answer()
        case .take(let moving): moving.returnToSender()
        case .publish, .drain, .stop, .accessLog, .policyLog, .resolved, .ended: break
        }
    }
}

/// The way into a reactor from other threads: a queue and a doorbell.
final class Mailbox: Sendable {
    private struct State {
        var mail: [Mail] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let doorbell: Doorbell

    init() throws(KernelError) { doorbell = try Doorbell() }

    var descriptor: Int32 { doorbell.descriptor }

    /// - Returns: false when the reactor has ended; the mail is lost then.
    @discardableResult
    func post(_ mail: Mail) -> Bool {
        let taken = state.withLock { state in
            if !state.isClosed { state.mail.append(mail) }
            return !state.isClosed
        }
        if taken { doorbell.ring() }
        return taken
    }

    func collect() -> [Mail] {
        doorbell.clear()
        return state.withLock { state in
            defer { state.mail = [] }
            return state.mail
        }
    }

    /// Takes no more mail, and answers what lies here.
    func close() {
        let rest = state.withLock { state in
            defer { state = State(isClosed: true) }
            return state.mail
        }
        for mail in rest { mail.answerEmpty() }
    }
}
