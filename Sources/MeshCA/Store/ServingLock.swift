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
        var code = Self.tryLock(descriptor)
        // Who only looks whether somebody serves holds it for a moment too.
        for _ in 0..<5 where code == EWOULDBLOCK {
            usleep(20_000)
            code = Self.tryLock(descriptor)
        }
        guard code == 0 else {
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .file(.system(.init(code: code, operation: "lock \(path)"))) }
            let owner = (try? FileReading.text(path)) ?? ""
            throw .served(directory: directory, process: owner.leadingDigits)
        }
        let text = Array("\(getpid())\n".utf8)
        // Only for people; the lock counts without it.
        _ = ftruncate(descriptor, 0)
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func tryLock(_ descriptor: Int32) -> Int32 {
        flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
    }

    /// The process that has it; `nil` when none does.
    static func holder(_ directory: String) -> String? {
        let path = "\(directory)/\(file)"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        return ((try? FileReading.text(path)) ?? "").leadingDigits
    }
}

extension String {
    fileprivate var leadingDigits: String { String(prefix { $0.isNumber }) }
}
