internal import CLinux
package import MeshCore

/// A file that is read once, from its beginning to its end. Symbolic links are followed.
package final class InputFile {
    /// What tells one content of a path from another without reading it: device, inode, size, time of change.
    package struct Stamp: Hashable, Sendable {
        private var fields: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        /// The file behind `path`; `nil` when there is none to be seen.
        package init?(path: String) {
            guard unsafe cl_stamp_path(path, &fields.0, &fields.1, &fields.2, &fields.3) == 0 else { return nil }
        }

        package static func == (a: Stamp, b: Stamp) -> Bool { a.fields == b.fields }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(fields.0)
            hasher.combine(fields.1)
            hasher.combine(fields.2)
            hasher.combine(fields.3)
        }
    }

    private let descriptor: Int32

    package init(_ path: String) throws(KernelError) {
        descriptor = unsafe cl_open_for_reading(path)
        guard descriptor >= 0 else { throw KernelError(code: -descriptor, operation: "open \(path)") }
    }

    deinit { Kernel.close(descriptor) }

    /// The next bytes.
    /// - Returns: how many; 0 at the end; -errno.
    package func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = unsafe cl_read(descriptor, buffer.baseAddress, buffer.count)
            if count != -Int(EINTR) { return count }
        }
    }
}
