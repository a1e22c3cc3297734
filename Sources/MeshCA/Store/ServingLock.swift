import Glibc
import MeshCore

/// That this process, and no other, serves an authority. The kernel lets go of it when the process ends, however.
///
/// Shape: `.serving`, mode 0600, locked by flock(2); it holds the number of the process that has it, for the message.
final class ServingLock: Sendable {
    private static let file = ".serving"
    private let descriptor: Int32

    /// - Throws: `.served` when another process has it.
    init(_ directory: String) throws(AuthorityError) {
        let path = "\(directory)/\(Self.file)"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else { throw .file(.system(.init(code: errno, operation: "open \(path)"))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .file(.system(.init(code: code, operation: "lock \(path)"))) }
            let owner = (try? FileReading.text(path)) ?? ""
            throw .served(directory: directory, process: String(owner.prefix { $0.isNumber }))
        }
        let text = Array("\(getpid())\n".utf8)
        // Only for people; the lock counts without it.
        _ = ftruncate(descriptor, 0)
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
