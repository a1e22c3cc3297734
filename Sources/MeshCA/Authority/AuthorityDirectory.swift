import Glibc
package import MeshCore

/// A certificate authority in a folder.
///
/// Writers hold the folder's lock and go through a journal, so that neither a reader nor a crash sees half of a change.
package struct AuthorityDirectory: AuthorityStore {
    package typealias Name = AuthorityFiles.Name

    package let path: String
    package init(_ path: String) { self.path = path }
    package var place: String { path }

    /// Makes a new authority with its own P-256 root.
    /// - Parameters:
    ///   - rootLifetime: seconds, at least 1.
    ///   - now: seconds since 1970.
    /// - Throws: `.exists` when one of the files is there, whoever made it.
    package func create(
        trustDomain: TrustDomain, aliases: [TrustDomain] = [], rootLifetime: Int64, now: Int64
    ) throws(AuthorityError) -> CertificateAuthority {
        try write(
            AuthorityFiles.made(trustDomain: trustDomain, aliases: aliases, rootLifetime: rootLifetime, now: now))
        return try open(trustDomain: trustDomain, lifetimes: LifetimePolicy(), now: now)
    }

    /// Reads and checks an authority.
    /// - Parameter trustDomain: what the folder should be for; needed when it has no `authority.yaml`.
    package func open(
        trustDomain: TrustDomain?, lifetimes: LifetimePolicy, now: Int64
    ) throws(AuthorityError) -> CertificateAuthority {
        try read().authority(trustDomain: trustDomain, lifetimes: lifetimes, now: now)
    }

    // MARK: - A store

    package func load() async throws(AuthorityError) -> AuthorityFiles { try read() }

    package func create(_ texts: [Name: String]) async throws(AuthorityError) { try write(texts) }

    package func replace(_ old: AuthorityFiles, by texts: [Name: String]) async throws(AuthorityError) -> Bool {
        let lock = try lock(.exclusive)
        defer { lock.release() }
        return try files { () throws(FileError) in
            try FolderTransaction.finish(in: path)
            guard try contents() == old.texts else { return false }
            var transaction = FolderTransaction(path)
            for name in Name.allCases where texts[name] != old.texts[name] {
                if let text = texts[name] {
                    transaction.put(name.rawValue, text, mode: name.isSecret ? 0o600 : 0o644)
                } else {
                    transaction.drop(name.rawValue)
                }
            }
            try transaction.commit()
            return true
        }
    }

    package func hasChanged(since files: AuthorityFiles) -> Bool { version != files.version }

    // MARK: - Files

    /// Waits for a change that another process is making, and finishes one that a crash cut short.
    package func read() throws(AuthorityError) -> AuthorityFiles {
        if FolderTransaction.isUnfinished(in: path) {
            // Under the lock that whoever made the journal holds until it is done; what is left then is of a crash.
            let lock = try lock(.exclusive)
            defer { lock.release() }
            try files { () throws(FileError) in try FolderTransaction.finish(in: path) }
        }
        let lock = try lock(.shared)
        defer { lock.release() }
        // The version first: what changes while this reads, by people who know no lock, is seen as a change.
        let version = version
        return AuthorityFiles(
            place: path, version: version, texts: try files { () throws(FileError) in try contents() })
    }

    private func write(_ texts: [Name: String]) throws(AuthorityError) {
        if let taken = (Name.required + [.settings]).first(where: { FileStamp(path: file($0)) != nil }) {
            throw .exists(path: file(taken))
        }
        let set = FileSet(
            Name.allCases.compactMap { name in
                texts[name].map { FileSet.File(name.rawValue, $0, mode: name.isSecret ? 0o600 : 0o644) }
            })
        do {
            try set.write(to: path, existing: .refuse)
        } catch {
            throw error.isAlreadyThere ? .exists(path: file(.key)) : .file(error)
        }
    }

    private func contents() throws(FileError) -> [Name: String] {
        var texts: [Name: String] = [:]
        for name in Name.allCases where FileStamp(path: file(name)) != nil {
            texts[name] = try FileReading.text(
                file(name), limit: name.limit, secrecy: name.isSecret ? .ownerOnly : .open)
        }
        return texts
    }

    private var version: String {
        Name.allCases.map { FileStamp(path: file($0))?.text ?? "-" }.joined(separator: " ")
    }

    private func lock(_ mode: FolderLock.Mode) throws(AuthorityError) -> FolderLock {
        do {
            return try FolderLock(path, mode)
        } catch {
            throw error.isNotFound ? .notFound(directory: path) : .file(error)
        }
    }

    private func files<T>(_ body: () throws(FileError) -> T) throws(AuthorityError) -> T {
        do { return try body() } catch { throw .file(error) }
    }

    private func file(_ name: Name) -> String { "\(path)/\(name.rawValue)" }
}
