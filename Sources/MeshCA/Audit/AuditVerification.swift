import MeshCore

/// What following a whole audit log has shown.
package struct AuditVerification: Sendable, Hashable {
    package let files: Int
    package let records: Int
    /// Number of the first record at hand; more than 1 when earlier files are kept elsewhere. 0 for an empty log.
    package let first: UInt64
    package let chain: AuditChain
    /// Bytes after the last whole line: a crash, which the next start of the authority sets aside.
    package let tornBytes: Int

    /// Follows the chain through every file.
    /// - Parameter noted: where the log stood at an earlier time, to be found again.
    /// - Throws: `.broken` where the chain ends, `.system` when there is no log.
    package static func run(_ directory: String, noted: AuditChain? = nil) throws(AuditError) -> AuditVerification {
        let names = try AuditFolder.files(in: directory)
        let first = names.first.flatMap(AuditFolder.sequence) ?? 0
        var chain = AuditChain.start
        var (records, torn) = (0, 0)
        var isFound = noted == nil
        for (index, name) in names.enumerated() {
            let path = "\(directory)/\(name)"
            guard index == 0 || AuditFolder.sequence(of: name) == chain.sequence + 1 else {
                throw .broken(file: path, after: chain.sequence, reason: "is missing: this file begins later")
            }
            var scan = AuditScan(chain: chain)
            scan.visit = { if $0 == noted { isFound = true } }
            if index == names.count - 1 {
                // Somebody may be in the middle of a batch.
                let lock: FolderLock
                do { lock = try FolderLock(directory, .shared) } catch { throw .file(error) }
                defer { lock.release() }
                try scan.read(path, isAnchored: index > 0 || first == 1)
            } else {
                try scan.read(path, isAnchored: index > 0 || first == 1)
            }
            guard scan.torn.isEmpty || index == names.count - 1 else {
                throw .broken(file: path, after: scan.chain.sequence, reason: "is not a line, and further files follow")
            }
            guard index > 0 || scan.count == 0 || scan.chain.sequence + 1 - UInt64(scan.count) == first else {
                throw .broken(file: path, after: 0, reason: "does not have the number in the file's name")
            }
            (chain, torn) = (scan.chain, scan.torn.count)
            records += scan.count
        }
        guard isFound else {
            throw .broken(
                file: directory, after: 0, reason: "is another history: it does not pass through the head given")
        }
        return AuditVerification(
            files: names.count, records: records, first: records == 0 ? 0 : first, chain: chain, tornBytes: torn)
    }
}
