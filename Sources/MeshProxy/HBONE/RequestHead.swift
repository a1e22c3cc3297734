import MeshCore

/// The header block being received: one at a time for a whole reactor, since blocks are not interleaved.
///
/// Keeps only what HBONE reads. Nothing is allocated for the usual request: values stay in one reused buffer.
struct RequestHead {
    private(set) var isConnect = false
    /// `:scheme`, `:path` or a second method: not a plain CONNECT.
    private(set) var isMalformed = false
    private(set) var status = 0
    private var bytes: [UInt8] = []
    private var authority = 0..<0
    private var forwarded = 0..<0
    private var baggage = 0..<0
    private var forwardedNetwork: Range<Int>?
    private var count = 0
    private var size = 0

    static let maxHeaders = 100

    init() { bytes.reserveCapacity(4096) }

    mutating func reset() {
        isConnect = false
        isMalformed = false
        status = 0
        bytes.removeAll(keepingCapacity: true)
        (authority, forwarded, baggage, forwardedNetwork) = (0..<0, 0..<0, 0..<0, nil)
        count = 0
        size = 0
    }

    /// - Returns: false when the block exceeds the limits; the stream is then reset.
    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, limit: Int) -> Bool {
        count += 1
        size += name.count + value.count + 32
        guard count <= Self.maxHeaders, size <= limit else { return false }
        switch name.count {
        case 7 where unsafe Self.equal(name, ":method"):
            isConnect = unsafe Self.equal(value, "CONNECT")
        case 7 where unsafe Self.equal(name, ":scheme"): isMalformed = true
        case 5 where unsafe Self.equal(name, ":path"): isMalformed = true
        case 7 where unsafe Self.equal(name, ":status"): status = unsafe Self.number(value)
        case 10 where unsafe Self.equal(name, ":authority"): authority = unsafe keep(value)
        case 9 where unsafe Self.equal(name, "forwarded"): forwarded = unsafe keep(value)
        case 7 where unsafe Self.equal(name, "baggage"): baggage = unsafe join(baggage, value)
        case 19 where unsafe Self.equal(name, "x-forwarded-network"): forwardedNetwork = unsafe keep(value)
        default: break
        }
        return true
    }

    func withAuthority<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R { unsafe with(authority, body) }
    func withForwarded<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R { unsafe with(forwarded, body) }
    var authorityText: String { String(decoding: bytes[authority], as: UTF8.self) }
    var baggageText: String { String(decoding: bytes[baggage], as: UTF8.self) }

    /// The network of the proxy behind a gateway; the default network is the empty text.
    var forwardedNetworkText: String? { forwardedNetwork.map { String(decoding: bytes[$0], as: UTF8.self) } }

    private func with<R>(_ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        unsafe bytes.withUnsafeBufferPointer { unsafe body(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    private mutating func keep(_ value: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        let start = bytes.count
        unsafe bytes.append(contentsOf: value)
        return start..<bytes.count
    }

    /// A list header that comes again goes on where it ended, as if it had been one.
    private mutating func join(_ held: Range<Int>, _ value: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        guard !held.isEmpty else { return unsafe keep(value) }
        let start = bytes.count
        bytes.append(contentsOf: bytes[held])
        bytes.append(UInt8(ascii: ","))
        unsafe bytes.append(contentsOf: value)
        return start..<bytes.count
    }

    @inline(__always)
    private static func equal(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where unsafe bytes[index] != text.utf8Start[index] { return false }
        return true
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        unsafe bytes.reduce(0) { $0 * 10 + Int($1 &- 48) }
    }
}
