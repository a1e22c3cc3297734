import Glibc
import MeshCore

/// A lock on a folder of this machine, held until `release`. The kernel lets go of it when the process ends, however.
///
/// flock(2) on the folder itself: nothing is left behind, and a folder that cannot be written can still be locked.
package struct FolderLock: Sendable {
    package enum Mode: Sendable { case shared, exclusive }

    private let descriptor: Int32

    /// Waits until nobody holds it in a way that excludes `mode`.
    package init(_ directory: String, _ mode: Mode) throws(FileError) {
        self.init(descriptor: try Self.open(directory))
        while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0 {
            let code = errno
            guard code == EINTR else {
                release()
                throw .system(KernelError(code: code, operation: "lock \(directory)"))
            }
        }
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// To be called once.
    package func release() { close(descriptor) }

    private static func open(_ directory: String) throws(FileError) -> Int32 {
        let descriptor = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(KernelError(code: errno, operation: "open folder \(directory)")) }
        return descriptor
    }
}
