package import Logging
package import MeshCore
import MeshLinux
package import MeshState

/// Keeps a store in step with a local configuration file while the process runs.
///
/// The whole file is read and checked once it has been quiet for a moment; only then the difference to the last good
/// records is applied. A file that is broken, gone or still being written changes nothing; why is logged once, as is
/// that it is good again. Follows renames, replaced files and swapped links (`PathWatch`).
package final class LocalConfigWatcher: Sendable {
    /// What a change of the file did.
    package struct Update: Sendable {
        package let snapshot: MeshSnapshot
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

    private let path: String
    private let defaults: LocalConfig.Defaults
    private let timing: Timing
    private let logger: Logger

    package init(path: String, defaults: LocalConfig.Defaults, timing: Timing = Timing(), logger: Logger) {
        self.path = path
        self.defaults = defaults
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
        let watch = try WatchThread(path: path, timing: timing)
        var current = first
        var complaint: String?
        await withTaskCancellationHandler {
            for await _ in watch.quietMoments {
                var next: LocalConfig
                switch Self.read(path, defaults) {
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
                    logger.info("local configuration is usable again", metadata: ["path": "\(path)"])
                }
                complaint = nil
                let changes = current.config.changes(to: &next)
                current.config = next
                guard !changes.isEmpty else { continue }
                let result = current.store.apply(changes)
                logger.info(
                    "local configuration changed", metadata: ["path": "\(path)", "changes": "\(changes.count)"])
                await onChange(Update(snapshot: current.store.snapshot, changes: changes, result: result))
            }
        } onCancel: {
            watch.stop()
        }
        watch.stop()
    }

    private enum Reading {
        case good(LocalConfig)
        case broken(MeshFailure)
        /// It was written or replaced while it was read: another event says when to read it again.
        case unstable
    }

    private static func read(_ path: String, _ defaults: LocalConfig.Defaults) -> Reading {
        do throws(MeshFailure) {
            let file = try LocalConfig.open(path)
            let config = Result { () throws(MeshFailure) in try LocalConfig.load(file, path, defaults) }
            if file.hasChanged || InputFile.Stamp(path: path) != file.stamp { return .unstable }
            return .good(try config.get())
        } catch {
            return .broken(error)
        }
    }
}
