/// How much of a tunnel one read takes. One per tunnel.
///
/// A turn's share is counted in bytes, but the cost of a byte differs: 512 KiB of payload are copied in a fraction of a
/// millisecond, 512 KiB of small frames are 20,000 requests, resets or key updates. So reads grow while most of what
/// comes is payload, and shrink to a few hundred frames while it is not.
struct ReadPace {
    static let first = 16 << 10
    static let least = 4 << 10
    static let most = Reactor.cipherCapacity
    /// Bytes that are judged together: more than a record, since no payload shows before a record is complete.
    static let window = 32 << 10

    /// Bytes that the next read may take.
    private(set) var size = Self.first
    /// Bytes of DATA since the last judgement.
    var payload = 0
    private var bytes = 0

    /// Notes what a read of `size` gave.
    /// - Returns: whether the tunnel has had its share of this turn.
    @inline(__always)
    mutating func note(_ count: Int) -> Bool {
        let wasSlow = size == Self.least
        bytes &+= count
        if bytes >= Self.window {
            size = payload >= bytes / 2 ? min(max(size, Self.first) * 2, Self.most) : Self.least
            (bytes, payload) = (0, 0)
        }
        return wasSlow || size == Self.least
    }
}
