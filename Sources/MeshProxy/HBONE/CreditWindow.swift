/// How much payload the peer of a tunnel may send ahead, in bytes.
///
/// Little at first, so that many tunnels cost little, whatever their peers send and however slow applications are. It
/// doubles when as much as it holds was taken by applications: as fast as TCP's own window grows.
struct CreditWindow {
    static let first = 256 << 10

    let most: Int
    private(set) var size: Int
    /// Bytes that applications took since it has this size.
    private var taken = 0

    init(most: Int) {
        self.most = most
        size = min(Self.first, most)
    }

    /// Applications took `bytes`.
    /// - Returns: whether they have earned the peer a larger window.
    @inline(__always)
    mutating func took(_ bytes: Int) -> Bool {
        guard size < most else { return false }
        taken += bytes
        return taken >= size
    }

    mutating func grow() { (size, taken) = (min(2 * size, most), 0) }

    /// Memory is short, and this peer's payload is part of why.
    mutating func shrink() { (size, taken) = (max(size / 2, min(Self.first, most)), 0) }

    /// Nothing is under way.
    mutating func reset() { (size, taken) = (min(Self.first, most), 0) }
}
