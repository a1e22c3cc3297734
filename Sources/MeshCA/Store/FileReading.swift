import Glibc
import MeshCore

/// What tells one content of a path from another without reading it. Two stamps that differ mean "read it again".
package struct FileStamp: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let changed: Duration

    /// The stamp of the file behind `path`, symbolic links followed; `nil` when there is none to be seen.
    package init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Differs when the stamp does.
    package var text: String { "\(device).\(inode).\(size).\(changed)" }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        // The change time, not the modification time: rename and chmod count too.
        changed = .seconds(status.st_ctim.tv_sec) + .nanoseconds(status.st_ctim.tv_nsec)
    }
}

/// Whole small files.
package enum FileReading {
    package enum Secrecy: Sendable {
        case open
        /// No permission bit for group and others.
        case ownerOnly
    }

    /// - Throws: `.tooLarge` above `limit` bytes, `.exposed` when a secret is open to others, else `.system`.
    package static func bytes(
        _ path: String, limit: Int = 1 << 20, secrecy: Secrecy = .open
    ) throws(FileError) -> (bytes: [UInt8], stamp: FileStamp) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(KernelError(code: errno, operation: "open \(path)")) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(KernelError(code: errno, operation: "read \(path)"))
        }
        let mode = UInt32(status.st_mode)
        guard secrecy == .open || mode & 0o077 == 0 else { throw .exposed(path: path, mode: mode & 0o7777) }
        return (try content(of: descriptor, path: path, limit: limit), FileStamp(status))
    }

    /// - Throws: as `bytes`, and `.notText` for anything but UTF-8.
    package static func text(
        _ path: String, limit: Int = 1 << 20, secrecy: Secrecy = .open
    ) throws(FileError) -> String {
        guard let text = String(validating: try bytes(path, limit: limit, secrecy: secrecy).bytes, as: UTF8.self) else {
            throw .notText(path: path)
        }
        return text
    }

    private static func content(of descriptor: Int32, path: String, limit: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk: [UInt8]
            do { chunk = try FileChunk.read(descriptor, limit: 16384, path: path) } catch { throw .system(error) }
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= limit else { throw .tooLarge(path: path, limit: limit) }
        }
    }
}
