/// Cuts a stream into lines, with a limit on each.
///
/// Shape: JSON texts, each followed by a newline; empty lines are passed over. What stands behind the last newline is no
/// line: the stream was cut. Cost: each byte is looked at once and copied once.
package struct WatchLines: Sendable {
    package struct TooLong: Error, Hashable {
        package let limit: Int
        package init(limit: Int) { self.limit = limit }
    }

    private let limit: Int
    private var partial: [UInt8] = []

    package init(limit: Int) { self.limit = limit }

    /// Whether bytes wait for the rest of their line.
    package var isInside: Bool { !partial.isEmpty }

    /// - Throws: when a line is longer than the limit, before it is stored any further.
    package mutating func feed(
        _ bytes: some Sequence<UInt8>, _ line: ([UInt8]) throws -> Void
    ) throws {
        for byte in bytes {
            if byte != UInt8(ascii: "\n") {
                guard partial.count < limit else { throw TooLong(limit: limit) }
                partial.append(byte)
            } else if !partial.isEmpty {
                let whole = partial
                partial.removeAll(keepingCapacity: whole.count < 1 << 16)
                try line(whole)
            }
        }
    }
}
