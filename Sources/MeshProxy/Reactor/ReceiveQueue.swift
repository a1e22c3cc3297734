import MeshLinux

/// What may wait in a socket to be read, where the sender is near.
///
/// Left alone the kernel lets bulk pile up to many MiB when its sender is faster than its reader. That helps nobody who is
/// near: the bytes have left the processor's caches when they are copied at last, which then takes two to three times as
/// long, and whatever else comes on the connection waits behind them. So a socket has room for what a short round trip
/// brings, from its beginning, or the sender has learnt to have much under way. Decision 16 has the figures.
enum ReceiveQueue {
    /// Eight segments as large as there are, with what the kernel takes to keep them; it doubles what it is told. Before
    /// Linux 6.6 it gives half of that to the sender.
    static let bytes: Int32 = 272 << 10
    /// Microseconds: on this machine, or not much farther. What the sender may have under way is enough for 40 Gbit/s then.
    static let near = 50

    /// Bounds the queue of a tunnel's socket, if the far proxy is near.
    ///
    /// - Parameter away: the shortest round trip to it that was seen, in microseconds.
    static func shorten(_ descriptor: Int32, away: Int?) {
        guard let away, away <= near else { return }
        TCPSocket.boundReceiveBuffer(descriptor, bytes)
    }
}
