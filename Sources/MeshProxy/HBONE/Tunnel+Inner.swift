import MeshCore
import MeshLinux

/// The inner tunnel of double HBONE: a client's tunnel whose socket is one end of a pair, the other being carried by a
/// stream of the outer one. It is told how that stream fares; docs/decisions/0006 says why it is built so.
extension Tunnel {
    /// Takes one end of the pair; nothing is sent before the outer stream is open, so that its limits are not ours.
    /// - Returns: false when it cannot be polled, or the application has given up already; the end is closed then.
    func awaitCarrier(_ end: Int32) -> Bool {
        guard phase == .connecting else {
            Kernel.close(end)
            return false
        }
        return adopt(end)
    }

    /// The outer stream is open: the far proxy can be spoken to.
    func carrierOpened() {
        guard phase == .connecting else { return }
        beginHandshake()
    }

    /// The outer stream has ended, which after our own end says nothing new.
    ///
    /// Not graceful: it may be told in the middle of pumping the outer tunnel, whose stage a farewell would overwrite.
    func carrierEnded(_ failure: ConnectionFailure?) {
        let why = failure ?? .tunnelClosed(peer, "the gateway ended the connection")
        if case .drained = why { return close(.drained, graceful: false) }
        close(.outerTunnel(peer, why), graceful: false)
    }
}
