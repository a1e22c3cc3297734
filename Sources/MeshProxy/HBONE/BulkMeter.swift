/// How much payload of large frames a tunnel has carried lately, in either direction. One per tunnel.
///
/// Small requests that share a TCP connection with a bulk stream wait behind what both kernels hold of it, some MiB.
/// Frames are counted by their size, since many small requests make no queue, however many bytes they are.
struct BulkMeter {
    /// Payload of one frame, in bytes, that counts: half a TLS record.
    static let largeFrame = 8 << 10
    /// Bytes in the last quarter of a second beyond which a tunnel carries bulk: some 30 Mbit/s.
    static let threshold = 1 << 20
    /// Nanoseconds of one of the two slots in which bytes are counted; what is older than both is forgotten.
    static let slot: UInt64 = 125_000_000

    private var began: UInt64 = 0
    private var current = 0
    private var last = 0

    /// Notes the payload of a frame, or of the part of it that came.
    @inline(__always)
    mutating func note(_ bytes: Int, now: UInt64) {
        guard bytes >= Self.largeFrame else { return }
        let age = now &- began
        if age >= Self.slot {
            last = age < 2 * Self.slot ? current : 0
            current = 0
            began = now
        }
        current &+= bytes
    }

    /// Bytes of large frames in the last quarter of a second or so.
    func bytes(now: UInt64) -> Int {
        let age = now &- began
        return age < Self.slot ? current &+ last : age < 2 * Self.slot ? current : 0
    }

    func isBulk(now: UInt64) -> Bool { bulk(now: now) != nil }

    /// The bytes of bulk, `nil` for a tunnel that carries none.
    func bulk(now: UInt64) -> Int? {
        let bytes = bytes(now: now)
        return bytes >= Self.threshold ? bytes : nil
    }
}
