/// Where the files of an authority are kept: a folder, or a secret of a cluster.
///
/// Several processes may use one store at once. Each reads all of it, decides, and writes only if nobody wrote meanwhile.
package protocol AuthorityStore: Sendable {
    /// Where it is, for messages: a folder, or namespace and name of a secret.
    var place: String { get }

    /// - Throws: `.notFound` when there is no authority.
    func load() async throws(AuthorityError) -> AuthorityFiles

    /// Puts the first version in place.
    /// - Throws: `.exists` when there is one already, whoever made it.
    func create(_ texts: [AuthorityFiles.Name: String]) async throws(AuthorityError)

    /// Puts `texts` in place of `old` as one step that no reader sees half done and that no crash leaves half done.
    /// Files of other names stay as they are.
    /// - Returns: whether it was done; `false` when the store does not hold `old` any more.
    func replace(
        _ old: AuthorityFiles, by texts: [AuthorityFiles.Name: String]
    ) async throws(AuthorityError) -> Bool

    /// Whether the store may hold something else than `files` by now. Cheap: it is asked every second.
    func hasChanged(since files: AuthorityFiles) -> Bool

    /// Follows changes, where that takes something that runs, until its task is cancelled.
    func run() async
}

extension AuthorityStore {
    package func run() async {}

    /// Loads, lets `body` change, and writes; begins anew when somebody else was faster.
    ///
    /// Nothing is changed when `body` throws. It can run more than once.
    package func change<T>(
        _ body: (inout AuthorityFiles) throws(AuthorityError) -> T
    ) async throws(AuthorityError) -> T {
        var place = ""
        for _ in 0..<authorityChangeAttempts {
            let old = try await load()
            place = old.place
            var files = old
            let result = try body(&files)
            if files.texts == old.texts { return result }
            if try await replace(old, by: files.texts) { return result }
        }
        throw .contended(directory: place)
    }
}

/// Of two that change a store at once one always gets through, so this many losses in a row mean that something is wrong.
private let authorityChangeAttempts = 32
