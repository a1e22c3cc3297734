import Glibc
package import MeshCore

extension LogReplay {
    /// Reads a log to its end; `-` is standard input.
    /// - Parameter progress: told the bytes so far, after each piece.
    package static func replay(
        _ path: String, _ judge: PolicyJudge, doing: String, progress: (Int) -> Void
    ) throws(MeshFailure) -> ReplayReport {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        func failure(_ code: Int32) -> MeshFailure {
            MeshFailure(
                code == ENOENT ? .notFound : .unavailable, doing: doing, reason: "cannot read \(path)",
                cause: KernelError(code: code, operation: "read"))
        }
        guard descriptor >= 0 else { throw failure(errno) }
        defer { if path != "-" { close(descriptor) } }
        let replay = LogReplay(judge)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var total = 0
        while true {
            // The kernel writes at most the buffer's length.
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count >= 0 else { throw failure(code) }
            if count == 0 { return replay.finish() }
            replay.take(buffer[..<count])
            total += count
            progress(total)
        }
    }
}
