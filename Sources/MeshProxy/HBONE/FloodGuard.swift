/// Limits on frames that cost the sender nothing and us work. One per tunnel.
///
/// Counts are per window of ten seconds; a peer that goes over one loses the tunnel. The library bounds the rest by
/// itself: unanswered SETTINGS and PING acknowledgements, CONTINUATION chains, header block size.
struct FloodGuard {
    static let window: UInt64 = 10_000_000_000
    /// RST_STREAM frames: a stream opened and reset at once costs us a connect (CVE-2023-44487). Applications behind one
    /// proxy may well reset a thousand connections a second; a flood is ten times that and more.
    static let maxResets = 20_000
    /// Requests that we refuse: the same cost without a reset.
    static let maxRefusals = 20_000
    static let maxPings = 200
    static let maxSettings = 100
    /// DATA frames without a byte and without END_STREAM.
    static let maxEmptyData = 1000
    /// PRIORITY means nothing here; browsers send a few, proxies none.
    static let maxPriorities = 1000
    /// WINDOW_UPDATE frames beyond one for each `windowUpdateBytes` that we sent: a peer that hands out its window in
    /// crumbs makes us send crumbs.
    static let maxWindowUpdates = 10_000
    static let windowUpdateBytes = 512
    /// Frames of ours that may wait for a peer that does not read, such as resets of streams that it may not open.
    static let maxQueuedFrames = 10_000

    private var since: UInt64
    private var resets = 0
    private var refusals = 0
    private var pings = 0
    private var settings = 0
    private var emptyData = 0
    private var priorities = 0
    private var windowUpdates = 0
    private var bytesSent = 0

    init(now: UInt64) { since = now }

    enum Frame { case reset, refusal, ping, settings, emptyData, priority, windowUpdate }

    /// Notes payload that we sent, which entitles the peer to WINDOW_UPDATE frames.
    @inline(__always) mutating func sent(_ bytes: Int) { bytesSent &+= bytes }

    /// Counts one frame.
    /// - Returns: what the peer did too often, or `nil`.
    mutating func count(_ frame: Frame, now: UInt64) -> String? {
        if now - since > Self.window {
            (resets, refusals, pings, settings, emptyData, priorities) = (0, 0, 0, 0, 0, 0)
            (windowUpdates, bytesSent) = (0, 0)
            since = now
        }
        switch frame {
        case .reset:
            resets += 1
            return resets > Self.maxResets ? "the peer resets streams too fast" : nil
        case .refusal:
            refusals += 1
            return refusals > Self.maxRefusals ? "the peer sends requests that are refused too fast" : nil
        case .ping:
            pings += 1
            return pings > Self.maxPings ? "the peer sends PING too fast" : nil
        case .settings:
            settings += 1
            return settings > Self.maxSettings ? "the peer sends SETTINGS too fast" : nil
        case .emptyData:
            emptyData += 1
            return emptyData > Self.maxEmptyData ? "the peer sends empty DATA frames too fast" : nil
        case .priority:
            priorities += 1
            return priorities > Self.maxPriorities ? "the peer sends PRIORITY too fast" : nil
        case .windowUpdate:
            windowUpdates += 1
            let most = Self.maxWindowUpdates + bytesSent / Self.windowUpdateBytes
            return windowUpdates > most ? "the peer sends WINDOW_UPDATE too fast" : nil
        }
    }
}
