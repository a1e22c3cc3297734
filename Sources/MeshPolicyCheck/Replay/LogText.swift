import Glibc

/// A piece of a log as a key: hashed and compared as a whole, since that is most of what a line costs.
struct LogText: Hashable {
    let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// A copy that does not hold the piece of the log around it.
    var own: LogText { LogText(Array(bytes)[...]) }

    static func == (one: LogText, other: LogText) -> Bool {
        guard one.bytes.count == other.bytes.count else { return false }
        // Both have as many bytes as are compared.
        return unsafe one.bytes.withUnsafeBytes { a in
            unsafe other.bytes.withUnsafeBytes { b in
                guard let a = a.baseAddress, let b = b.baseAddress else { return true }
                return unsafe memcmp(a, b, one.bytes.count) == 0
            }
        }
    }

    func hash(into hasher: inout Hasher) {
        // Read only, and not beyond the closure.
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }

    /// The first line feed.
    static func lineEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        // What memchr finds lies in the buffer.
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, let found = unsafe memchr(start, 10, buffer.count) else { return nil }
            return unsafe bytes.startIndex + (UnsafeRawPointer(found) - start)
        }
    }
}
