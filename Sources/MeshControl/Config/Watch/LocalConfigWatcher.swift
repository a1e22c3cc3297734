package import Logging
package import MeshCore
package import MeshState

/// Keeps a store in step with the files of a local configuration, and the manifests beside it, while the process runs.
///
/// All of it is read and checked once it has been quiet for a moment; only then the difference to the last good records
/// is applied. A file that is broken, gone or still being written changes nothing; why is logged once, as is that it is
/// good again. Follows renames, replaced files and swapped links (`PathWatch`).
package final class LocalConfigWatcher: Sendable {
    /// What a change of the files did; where policies were written may be all that changed.
    package struct Update: Sendable {
        package let snapshot: MeshSnapshot
        package let origins: PolicyOrigins
        package let changes: [MeshChange]
        package let result: MeshUpdateResult
    }

    /// How long a file must have been quiet before it is read.
    package struct Timing: Sendable {
        /// Default 100 ms.
        package var quiet: Duration = .milliseconds(100)
        /// A file that never is quiet is read nevertheless. Default 2 s.
        package var patience: Duration = .seconds(2)
        package init() {}
    }

    /// The records of a file, and the store that has them and no others.
    package struct Records: Sendable {
        package var config: LocalConfig
        package var store: MeshStore

        package init(config: LocalConfig, store: MeshStore) {
            self.config = config
            self.store = store
        }
    }

    private let source: RecordsSource
    private let timing: Timing
    private let logger: Logger

    package init(_ source: RecordsSource, timing: Timing = Timing(), logger: Logger) {
        self.source = source
        self.timing = timing
        self.logger = logger
    }

    /// Watches until the task is cancelled. Calls `onChange` for each file that differs, one call at a time; waits for
    /// it, and what the file became meanwhile is one later change.
    /// - Parameter first: what was read before, let go of as the file changes. The file is compared with it as soon as it
    ///   is quiet, so that a change between the first load and this call is not missed.
    /// - Throws: when nothing on the way to the file can be watched, or no thread can be had.
    package func run(
        from first: consuming Records, onChange: @Sendable (Update) async -> Void
    ) async throws(KernelError) {
        let watch = try WatchThread(timing: timing) { [source] in source.paths() }
        var current = first
        var complaint: String?
        var unwatched: KernelError?
        warn(of: current.config.warnings)
        await withTaskCancellationHandler {
            for await failure in watch.quietMoments {
                if let failure, failure != unwatched {
                    logger.error(
                        "not all of the local configuration can be watched, changes may need a restart",
                        metadata: ["reason": "\(failure)"])
                }
                unwatched = failure
                var next: LocalConfig
                switch source.read() {
                case .good(let config): next = config
                case .unstable: continue
                case .broken(let failure):
                    if complaint != "\(failure)" {
                        logger.error(
                            "local configuration is unusable, the last good one stays in force",
                            metadata: ["reason": "\(failure)"])
                    }
                    complaint = "\(failure)"
                    continue
                }
                if complaint != nil {
                    logger.info("local configuration is usable again", metadata: ["path": "\(source.name)"])
                }
                complaint = nil
                let changes = current.config.changes(to: &next)
                let isMoved = current.config.origins != next.origins
                let old = Set(current.config.warnings)
                warn(of: next.warnings.filter { !old.contains($0) })
                current.config = next
                guard !changes.isEmpty || isMoved else { continue }
                let result = current.store.apply(changes)
                logger.info(
                    "local configuration changed", metadata: ["path": "\(source.name)", "changes": "\(changes.count)"])
                await onChange(
                    Update(
                        snapshot: current.store.snapshot, origins: next.origins, changes: changes, result: result))
            }
        } onCancel: {
            watch.stop()
        }
        watch.stop()
    }

    private func warn(of warnings: [String]) {
        for warning in warnings {
            logger.warning("a policy does not do what it says", metadata: ["reason": "\(warning)"])
        }
    }
}
