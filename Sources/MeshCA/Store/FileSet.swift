import Glibc
import MeshCore

/// Files that belong together, put into one folder so that a failure leaves none of them behind half-written.
///
/// Each is written under a temporary name and brought to disk before the first takes its place. A crash between two
/// of the last renames can leave some in place; readers of such a folder name what is missing.
package struct FileSet: Sendable {
    package struct File: Sendable {
        package let name: String
        package let content: String
        /// Permission bits, whatever the umask.
        package let mode: UInt32

        package init(_ name: String, _ content: String, mode: UInt32 = 0o644) {
            self.name = name
            self.content = content
            self.mode = mode
        }
    }

    package enum Existing: Sendable { case refuse, replace }

    package let files: [File]
    package init(_ files: [File]) { self.files = files }

    /// Creates `directory` (mode 0700; its parent must exist) if need be and puts the files there, in order.
    /// - Throws: `.system`; errno 17 when `existing` is `.refuse` and one of the names is taken.
    package func write(to directory: String, existing: Existing) throws(FileError) {
        let created = try Self.makeDirectory(directory)
        let mark = String(UInt64.random(in: .min ... .max), radix: 36)
        var staged: [String] = []
        var placed: [String] = []
        do {
            for file in files {
                let temporary = "\(directory)/.\(file.name).\(mark).tmp"
                // Only what this call created may be removed by it.
                try Self.create(temporary, file) { staged.append(temporary) }
            }
            for (file, temporary) in zip(files, staged) {
                let path = "\(directory)/\(file.name)"
                switch existing {
                case .replace:
                    try Self.check(unsafe rename(temporary, path), "write \(path)")
                case .refuse:
                    try Self.check(unsafe link(temporary, path), "create \(path)")
                    placed.append(path)
                    unlink(temporary)
                }
            }
            try Self.sync(directory)
        } catch {
            for path in staged + placed { unlink(path) }
            if created { unsafe rmdir(directory) }
            throw error
        }
    }

    static func makeDirectory(_ directory: String) throws(FileError) -> Bool {
        if unsafe mkdir(directory, 0o700) == 0 {
            // The new name must be on disk before what is inside it can be relied upon.
            try sync(directory + "/..")
            return true
        }
        let code = errno
        guard code == EEXIST else { throw .system(KernelError(code: code, operation: "create folder \(directory)")) }
        return false
    }

    static func create(_ path: String, _ file: File, created: () -> Void) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else { throw .system(KernelError(code: errno, operation: "create \(path)")) }
        defer { close(descriptor) }
        created()
        do { try FileChunk.write(file.content, to: descriptor, path: path) } catch { throw .system(error) }
        try check(fchmod(descriptor, mode_t(file.mode)), "set the mode of \(path)")
        try check(fsync(descriptor), "bring \(path) to disk")
    }

    static func sync(_ directory: String) throws(FileError) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(KernelError(code: errno, operation: "open folder \(directory)")) }
        defer { close(descriptor) }
        try check(fsync(descriptor), "bring folder \(directory) to disk")
    }

    static func check(_ result: Int32, _ operation: @autoclosure () -> String) throws(FileError) {
        let code = errno
        guard result == 0 else { throw .system(KernelError(code: code, operation: operation())) }
    }

    private func unlink(_ path: String) { unsafe _ = Glibc.unlink(path) }
}
