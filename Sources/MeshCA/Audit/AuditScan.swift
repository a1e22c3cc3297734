import Glibc
package import MeshCore

/// Reads one file of an audit log from a place on, following the chain.
struct AuditScan {
    private(set) var chain: AuditChain
    /// Lines followed.
    private(set) var count = 0
    /// Length up to and with the last whole line.
    private(set) var length: Int
    /// What comes after that: the rest of a write that a crash cut short.
    private(set) var torn: [UInt8] = []
    /// Called after each line with where the chain stands then.
    var visit: (AuditChain) -> Void = { _ in }

    /// A line longer than this is none of ours.
    private static let lineLimit = 64 << 10
    private static let chunk = 256 << 10

    init(chain: AuditChain, from offset: Int = 0) {
        self.chain = chain
        length = offset
    }

    /// - Parameters:
    ///   - isAnchored: whether `chain` is what stands before the first line; otherwise that line is taken at its word.
    /// - Throws: `.broken` at the first line that does not follow the one before it.
    mutating func read(_ path: String, isAnchored: Bool) throws(AuditError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(KernelError(code: errno, operation: "open \(path)")) }
        defer { close(descriptor) }
        guard lseek(descriptor, length, SEEK_SET) == length else {
            throw .system(KernelError(code: errno, operation: "read \(path)"))
        }
        var isAnchored = isAnchored
        var rest: [UInt8] = []
        while let next = try Self.next(descriptor, path) {
            var buffer = (rest + next)[...]
            while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[..<end]
                // Blocks that never reached the disk read as zeros.
                if line.contains(0) { break }
                do {
                    try chain.follow(line, isAnchor: !isAnchored)
                } catch {
                    throw .broken(file: path, after: chain.sequence, reason: "\(error)")
                }
                isAnchored = true
                visit(chain)
                count += 1
                length += line.count + 1
                buffer = buffer[(end + 1)...]
            }
            rest = Array(buffer)
            guard rest.count <= Self.lineLimit || rest.contains(0) else {
                throw .broken(file: path, after: chain.sequence, reason: "is followed by something that is not a line")
            }
            guard rest.count <= AuditFolder.tornLimit else {
                throw .broken(file: path, after: chain.sequence, reason: "is followed by too much to be a torn write")
            }
        }
        torn = rest
    }

    private static func next(_ descriptor: Int32, _ path: String) throws(AuditError) -> [UInt8]? {
        do {
            let bytes = try FileChunk.read(descriptor, limit: chunk, path: path)
            return bytes.isEmpty ? nil : bytes
        } catch {
            throw .system(error)
        }
    }
}

/// Why an audit log cannot be read or written.
package enum AuditError: Error, Hashable, CustomStringConvertible {
    case system(KernelError)
    case file(FileError)
    /// The chain ends at line `after`.
    case broken(file: String, after: UInt64, reason: String)
    /// An earlier write failed in a way that leaves it open what is on disk.
    case unreliable(String)
    case stopped

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .file(let error): "\(error)"
        case .broken(let file, let after, let reason): "\(file): what follows record \(after) \(reason)"
        case .unreliable(let reason): "audit log is not written to since \(reason); see to the disk and restart"
        case .stopped: "audit log is closed"
        }
    }

    package func failure(doing: String) -> MeshFailure {
        if case .broken = self { return MeshFailure(.corrupt, doing: doing, reason: "\(self)") }
        return MeshFailure(.unavailable, doing: doing, reason: "\(self)")
    }
}
