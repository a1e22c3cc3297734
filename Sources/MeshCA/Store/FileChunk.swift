import Glibc
import MeshCore

/// read(2) and write(2) as one means them: an interrupted call is made again, a short write goes on.
enum FileChunk {
    /// What comes next, at most `limit` bytes; empty at the end.
    /// - Parameter path: for the error.
    static func read(_ descriptor: Int32, limit: Int, path: String) throws(KernelError) -> [UInt8] {
        while true {
            var failure: Int32 = 0
            // The capacity is a bound for one read; `initializedCount` counts only what the kernel wrote.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initializedCount in
                let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                failure = count < 0 ? errno : 0
                initializedCount = max(count, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw KernelError(code: failure, operation: "read \(path)") }
            return bytes
        }
    }

    /// All of them. When it throws, some may have been written.
    static func write(_ text: String, to descriptor: Int32, path: String) throws(KernelError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw KernelError(code: errno, operation: "write \(path)") }
            rest = rest.dropFirst(count)
        }
    }
}
