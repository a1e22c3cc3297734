internal import CLinux
package import MeshCore

/// Tells when what some paths lead to may have changed, by inotify.
///
/// Watched are each file or folder and every directory on the way to it, through symbolic links: a ConfigMap changes by a
/// rename of the link `..data` in the directory of the file, an editor by a rename over the file. A folder tells of the
/// files in it, and not of those in folders below. Not every event is a change. Confined to one thread.
package final class PathWatch {
    private let descriptor: Int32
    private var watches: Set<Int32> = []

    package init(_ paths: [String]) throws(KernelError) {
        descriptor = cl_inotify()
        guard descriptor >= 0 else {
            throw KernelError(code: -descriptor, operation: "watch \(paths.joined(separator: ", "))")
        }
        try follow(paths)
    }

    deinit { Kernel.close(descriptor) }

    /// Waits for an event, or until `milliseconds` are over (-1: without end), or the doorbell rings.
    package func wait(milliseconds: Int32, doorbell: Int32) -> WatchEvent {
        let ready = cl_poll_two(descriptor, doorbell, milliseconds)
        if ready & 2 != 0 { return .doorbell }
        guard ready & 1 != 0 else { return .nothing }
        drain()
        return .touched
    }

    /// Follows these paths from now on, anew: a directory or a link on the way may be another one.
    /// - Throws: when of one of them not even a directory on the way can be watched, or the kernel watches no more.
    package func follow(_ paths: [String]) throws(KernelError) {
        var wanted: Set<Int32> = []
        var failure: KernelError?
        for path in paths {
            var isWatched = false
            var code: Int32 = 2
            for place in Self.places(path) {
                // Adding a path again gives the same number: what is still right is not lost in between.
                let watch = unsafe cl_inotify_add(
                    descriptor, place,
                    UInt32(
                        IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
                            | IN_DELETE_SELF | IN_MOVE_SELF))
                if watch >= 0 {
                    wanted.insert(watch)
                    isWatched = true
                } else {
                    code = -watch
                }
            }
            if !isWatched || code == ENOSPC { failure = KernelError(code: code, operation: "watch \(path)") }
        }
        for watch in watches where !wanted.contains(watch) { _ = cl_inotify_remove(descriptor, watch) }
        watches = wanted
        if let failure { throw failure }
    }

    private func drain() {
        unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while unsafe cl_read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
        }
    }

    /// The file and the directories of the path, and of whatever its links lead to; at most 40 links, as the kernel.
    private static func places(_ path: String) -> [String] {
        var places: [String] = []
        var seen: Set<String> = []
        var open = [path]
        while let next = open.popLast(), seen.count < 40 {
            guard seen.insert(next).inserted else { continue }
            places += [next, parent(next)]
            // A link may stand at any part of the path; what is above it is as it was.
            var part = next
            var rest = ""
            while part != "/", part != "." {
                if let target = link(part) {
                    places.append(parent(part))
                    open.append((target.hasPrefix("/") ? target : "\(parent(part))/\(target)") + rest)
                }
                rest = "/" + (part.split(separator: "/").last ?? "") + rest
                part = parent(part)
            }
        }
        return places
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func link(_ path: String) -> String? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, unsafe cl_read_link(path, buffer.baseAddress, buffer.count))
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

/// What ended a wait.
package enum WatchEvent: Sendable { case touched, nothing, doorbell }
