/// Limits on frames that cost the sender nothing and us work. One per tunnel.
///
/// Counts are per window of ten seconds; a peer that goes over one loses the tunnel. The library bounds the rest by
/// itself: unanswered SETTINGS and PING acknowledgements, CONTINUATION chains, header block size.
struct FloodGuard {
    static let window: UInt64 = 10_000_000_000
    /// RST_STREAM frames: a stream opened and reset at once costs us a connect (CVE-2023-44487). Applications behind one
    /// proxy may well reset a thousand connections a second; a flood is ten times that and more.
    static let maxResets = 20_000
    static let maxPings = 200
    static let maxSettings = 100
    /// DATA frames without a byte and without END_STREAM.
    static let maxEmptyData = 1000

    private var since: UInt64
    private var resets = 0
    private var pings = 0
    private var settings = 0
    private var emptyData = 0

    init(now: UInt64) { since = now }

    enum Frame { case reset, ping, settings, emptyData }

    /// Counts one frame.
    /// - Returns: what the peer did too often, or `nil`.
    mutating func count(_ frame: Frame, now: UInt64) -> String? {
        if now - since > Self.window {
            (resets, pings, settings, emptyData) = (0, 0, 0, 0)
            since = now
        }
        switch frame {
        case .reset:
            resets += 1
            return resets > Self.maxResets ? "the peer resets streams too fast" : nil
        case .ping:
            pings += 1
            return pings > Self.maxPings ? "the peer sends PING too fast" : nil
        case .settings:
            settings += 1
            return settings > Self.maxSettings ? "the peer sends SETTINGS too fast" : nil
        case .emptyData:
            emptyData += 1
            return emptyData > Self.maxEmptyData ? "the peer sends empty DATA frames too fast" : nil
        }
    }
}
