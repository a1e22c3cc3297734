import Glibc
import MeshCore

/// The files of an audit log, written by one process or several, one batch at a time.
///
/// Shape: `audit-<number of its first record, 20 digits>.jsonl`, mode 0600, in a folder of mode 0700; the chain goes on
/// from one file to the next. A batch is on disk when `append` returns.
package final class AuditFolder {
    package let path: String
    /// A file that has reached this many bytes is followed by a new one.
    private let sizeLimit: Int
    private var descriptor: Int32 = -1
    private var name = ""
    private var length = 0
    private var failure: AuditError?
    /// Where the log stood after the last batch of this process.
    package private(set) var chain = AuditChain.start

    /// More than this after the last whole line cannot come from one batch that a crash cut short.
    static let tornLimit = 8 << 20
    package static let defaultSizeLimit = 64 << 20

    /// Opens the log, and makes it when there is none. A torn end is set aside in a file of its own and noted.
    /// - Parameter now: microseconds since 1970.
    package init(_ path: String, sizeLimit: Int = defaultSizeLimit, now: Int64) throws(AuditError) {
        self.path = path
        self.sizeLimit = sizeLimit
        do {
            _ = try FileSet.makeDirectory(path)
            let lock = try FolderLock(path, .exclusive)
            defer { lock.release() }
            try open(now: now)
        } catch let error as FileError {
            throw .file(error)
        } catch {
            throw error as? AuditError ?? .unreliable("\(error)")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Writes the records behind what is there, and brings them to disk.
    package func append(_ records: [AuditRecord]) throws(AuditError) {
        if let failure { throw failure }
        let lock: FolderLock
        do { lock = try FolderLock(path, .exclusive) } catch { throw .file(error) }
        defer { lock.release() }
        if try isBehind() {
            let known = chain.sequence
            try open(now: records.first?.time ?? 0)
            guard chain.sequence >= known else {
                let error = AuditError.unreliable(
                    "records after \(chain.sequence) of \(known) were removed from \(path)")
                failure = error
                throw error
            }
        }
        if length >= sizeLimit { try begin() }
        try write(records)
    }

    /// The folder of the log inside an authority's.
    package static let folder = "audit"

    /// Writes what was done to the authority in a folder without a server, all of it or nothing.
    package static func note(_ records: AuditRecord..., beside authority: String) throws(AuditError) {
        try note(records, beside: authority)
    }

    package static func note(_ records: [AuditRecord], beside authority: String) throws(AuditError) {
        try AuditFolder("\(authority)/\(folder)", now: records.first?.time ?? 0).append(records)
    }

    /// Files of the log in a folder, oldest first.
    static func files(in directory: String) throws(AuditError) -> [String] {
        guard let folder = unsafe opendir(directory) else {
            throw .system(KernelError(code: errno, operation: "open folder \(directory)"))
        }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            // `d_name` is an array with a terminating zero, whatever its declared size.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if sequence(of: name) != nil { names.append(name) }
        }
        return names.sorted()
    }

    /// The number in a file's name.
    static func sequence(of name: String) -> UInt64? {
        guard name.hasPrefix("audit-"), name.hasSuffix(".jsonl"), name.utf8.count == 32 else { return nil }
        return UInt64(name.dropFirst(6).dropLast(6))
    }

    private static func name(of sequence: UInt64) -> String {
        let digits = String(sequence)
        return "audit-" + String(repeating: "0", count: 20 - digits.count) + digits + ".jsonl"
    }

    // MARK: - Opening

    private func open(now: Int64) throws(AuditError) {
        var names = try Self.files(in: path)
        while let last = names.popLast() {
            var scan = AuditScan(chain: .start)
            let isFirst = Self.sequence(of: last) == 1
            try scan.read("\(path)/\(last)", isAnchored: isFirst)
            // A crash between making a file and its first line: the chain stands where the file before it ends.
            if scan.count == 0, scan.torn.isEmpty, !isFirst, !names.isEmpty {
                let file = "\(path)/\(last)"
                try check(unsafe unlink(file), "remove \(file)")
                continue
            }
            guard scan.count > 0 || isFirst else {
                throw .broken(
                    file: "\(path)/\(last)", after: 0,
                    reason: "cannot be told: the file is empty, and none is before it")
            }
            try use(last, flags: O_WRONLY | O_APPEND)
            (chain, length) = (scan.chain, scan.length)
            if !scan.torn.isEmpty { try repair(scan.torn, now: now) }
            return
        }
        chain = .start
        try begin()
    }

    /// Whether another process has written since.
    private func isBehind() throws(AuditError) -> Bool {
        var status = stat()
        try check(unsafe fstat(descriptor, &status), "read \(path)/\(name)")
        return status.st_size != length || status.st_nlink == 0
            || FileStamp(path: "\(path)/\(Self.name(of: chain.sequence + 1))") != nil
    }

    private func begin() throws(AuditError) {
        try use(Self.name(of: chain.sequence + 1), flags: O_WRONLY | O_APPEND | O_CREAT | O_EXCL)
        length = 0
        do { try FileSet.sync(path) } catch { throw .file(error) }
    }

    private func use(_ name: String, flags: Int32) throws(AuditError) {
        let next = unsafe Glibc.open("\(path)/\(name)", flags | O_CLOEXEC, mode_t(0o600))
        guard next >= 0 else { throw .system(KernelError(code: errno, operation: "open \(path)/\(name)")) }
        if descriptor >= 0 { close(descriptor) }
        descriptor = next
        self.name = name
    }

    /// Keeps the torn bytes under a name of their own, cuts them off and says so in the log.
    private func repair(_ torn: [UInt8], now: Int64) throws(AuditError) {
        let mark = String(UInt64.random(in: .min ... .max), radix: 36)
        let aside = "torn-after-\(chain.sequence)-\(mark)"
        let text = HexText.of(torn) + "\n"
        do {
            try FileSet([.init(aside, text, mode: 0o600)]).write(to: path, existing: .refuse)
        } catch {
            throw .file(error)
        }
        try check(ftruncate(descriptor, length), "cut \(path)/\(name)")
        var record = AuditRecord(.repaired, time: now)
        record.reason = "\(torn.count) bytes of a write that a crash cut short were moved to \(aside), as hexadecimal"
        try write([record])
    }

    // MARK: - Writing

    private func write(_ records: [AuditRecord]) throws(AuditError) {
        var next = chain
        var text = ""
        for record in records { text += next.line(for: record) + "\n" }
        do {
            try FileChunk.write(text, to: descriptor, path: "\(path)/\(name)")
        } catch {
            // Nothing of the batch may stay: a later one would follow half a line.
            if ftruncate(descriptor, length) != 0 { failure = .unreliable("\(error)") }
            throw .system(error)
        }
        guard fdatasync(descriptor) == 0 else {
            // What is on disk after a failed sync is unknown, and a second one would not tell.
            let error = AuditError.unreliable("\(KernelError(code: errno, operation: "bring \(path)/\(name) to disk"))")
            failure = error
            throw error
        }
        chain = next
        length += text.utf8.count
    }

    private func check(_ result: Int32, _ operation: @autoclosure () -> String) throws(AuditError) {
        let code = errno
        guard result == 0 else { throw .system(KernelError(code: code, operation: operation())) }
    }
}
