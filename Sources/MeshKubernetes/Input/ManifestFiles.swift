import FoundationEssentials
import Glibc
package import MeshCore

/// The bytes of one file that may hold Kubernetes objects.
package struct Manifest: Sendable {
    package let name: String
    package let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// Finds and reads manifests: files, folders with all that is below them, and `-` for standard input.
package enum ManifestFiles {
    /// Bytes of one file, and of all together.
    package static let fileLimit = 64 << 20
    package static let totalLimit = 512 << 20
    package static let countLimit = 100_000
    package static let depthLimit = 32
    package static let suffixes = [".yaml", ".yml", ".json"]

    /// The manifests behind `paths`, in that order; those of a folder by name, so that every run sees the same order.
    ///
    /// In folders only `.yaml`, `.yml` and `.json` are read; hidden entries and folders behind links are passed over.
    package static func read(_ paths: [String], doing: String) throws(MeshFailure) -> [Manifest] {
        var (found, result, total) = (Tree(), [Manifest](), 0)
        for path in paths {
            guard path != "-", isFolder(path) else {
                found.files.append(path)
                continue
            }
            let before = found.files.count
            try list(path, suffixes, depth: 0, into: &found, doing: doing)
            if found.files.count == before {
                throw MeshFailure(
                    .notFound, doing: doing, reason: "folder \(path) has no .yaml, .yml or .json file; name the files")
            }
        }
        for path in found.files {
            let bytes = try bytes(path, doing: doing)
            total += bytes.count
            guard total <= totalLimit else {
                throw MeshFailure(
                    .usage, doing: doing,
                    reason: "the files hold more than \(totalLimit >> 20) MiB at \(path); name fewer of them")
            }
            result.append(Manifest(name: path == "-" ? "<stdin>" : path, bytes: bytes))
        }
        return result
    }

    /// The content of one file, or of standard input for `-`.
    package static func bytes(
        _ path: String, limit: Int = fileLimit, doing: String
    ) throws(MeshFailure) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno, path, doing) }
        defer { if path != "-" { close(descriptor) } }
        var (bytes, end) = ([UInt8](), 0)
        while true {
            if bytes.count - end < 1 << 16 { bytes += repeatElement(0, count: max(1 << 16, bytes.count)) }
            // The kernel writes at most what is left behind `end`.
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress?.advanced(by: end), $0.count - end)
            }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count >= 0 else { throw failure(code, path, doing) }
            if count == 0 { break }
            end += count
            guard end <= limit else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "\(path) is larger than \(limit >> 20) MiB; split it")
            }
        }
        bytes.removeSubrange(end...)
        return bytes
    }

    private static func failure(_ code: Int32, _ path: String, _ doing: String) -> MeshFailure {
        MeshFailure(
            code == ENOENT ? .notFound : code == EACCES ? .denied : .unavailable, doing: doing,
            reason: "cannot read \(path)", cause: KernelError(code: code, operation: "read"))
    }

    /// The files below a folder whose names end in one of `suffixes`, by name.
    package static func files(
        in folder: String, suffixes: [String], doing: String
    ) throws(MeshFailure) -> [String] {
        var found = Tree()
        try list(folder, suffixes, depth: 0, into: &found, doing: doing)
        return found.files
    }

    /// What is read of a path: the file itself, or the files of a folder and of the folders below it.
    package struct Tree: Sendable {
        /// By name.
        package fileprivate(set) var files: [String] = []
        /// The folder itself is the first.
        package fileprivate(set) var folders: [String] = []
    }

    /// As `read` would find it now; of what cannot be listed, as much as can.
    package static func tree(_ path: String) -> Tree {
        var found = Tree()
        if isFolder(path) {
            try? list(path, suffixes, depth: 0, into: &found, doing: "")
        } else {
            found.files = [path]
        }
        return found
    }

    package static func isLink(_ path: String) -> Bool { mode(path, followingLinks: false) == S_IFLNK }

    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }

    package static func isFolder(_ path: String, followingLinks: Bool = true) -> Bool {
        mode(path, followingLinks: followingLinks) == S_IFDIR
    }

    /// The kind of what stands there; `nil` when nothing can be seen.
    private static func mode(_ path: String, followingLinks: Bool) -> mode_t? {
        var status = stat()
        let result = unsafe followingLinks ? stat(path, &status) : lstat(path, &status)
        return result == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func list(
        _ folder: String, _ suffixes: [String], depth: Int, into found: inout Tree, doing: String
    ) throws(MeshFailure) {
        guard depth <= depthLimit else {
            throw MeshFailure(.usage, doing: doing, reason: "\(folder) is nested deeper than \(depthLimit) folders")
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw MeshFailure(.denied, doing: doing, reason: "cannot list folder \(folder); check its permissions")
        }
        found.folders.append(folder)
        for name in names where !name.hasPrefix(".") {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            if isFolder(path, followingLinks: false) {
                try list(path, suffixes, depth: depth + 1, into: &found, doing: doing)
            } else if suffixes.contains(where: name.hasSuffix), !isFolder(path) {
                guard found.files.count < countLimit else {
                    throw MeshFailure(
                        .usage, doing: doing, reason: "more than \(countLimit) files; name a smaller folder")
                }
                found.files.append(path)
            }
        }
    }
}
