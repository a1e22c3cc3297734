import Glibc
import NIOPosix
import Synchronization

/// An audit log that many calls write to at once.
///
/// Records that come while the disk is busy go into the next batch together, so that the disk's delay bounds how long
/// an answer takes but not how many there are. Behind a batch of several the next one waits until `spacing` is over: a
/// disk that is fast would otherwise be asked for almost every record, which costs more than to write it.
package final class AuditLog: Sendable {
    private struct Waiting: Sendable {
        let record: AuditRecord
        let done: CheckedContinuation<Result<Void, AuditError>, Never>
    }

    /// The batch before.
    private struct Pace {
        var begun = ContinuousClock.now
        var count = 0
    }

    private struct Queue {
        var waiting: [Waiting] = []
        var isBusy = false
        var isClosed = false
    }

    private let folder: Mutex<AuditFolder>
    private let queue = Mutex(Queue())
    /// Apart from the folder, whose lock is held for as long as the disk takes.
    private let standing: Mutex<(chain: AuditChain, failure: AuditError?, batches: Int)>
    private let pace = Mutex(Pace())
    /// One thread: a batch blocks for as long as the disk takes.
    private let thread: NIOThreadPool
    /// Records of one batch, so that its memory is bounded.
    private static let batch = 1024
    private static let spacing: Duration = .milliseconds(2)

    package init(_ path: String, sizeLimit: Int = AuditFolder.defaultSizeLimit, now: Int64) throws(AuditError) {
        let folder = try AuditFolder(path, sizeLimit: sizeLimit, now: now)
        standing = Mutex((folder.chain, nil, 0))
        self.folder = Mutex(folder)
        thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
    }

    /// Where the log stood after the last batch.
    package var chain: AuditChain { standing.withLock { $0.chain } }
    /// Why the last batch was not written; `nil` when it was.
    package var failure: AuditError? { standing.withLock { $0.failure } }

    /// How often records were brought to disk.
    package var batches: Int { standing.withLock { $0.batches } }

    /// Returns once the record is on disk.
    package func append(_ record: AuditRecord) async throws(AuditError) {
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<Void, AuditError>, Never>) in
            let (begins, isClosed) = queue.withLock { queue in
                guard !queue.isClosed else { return (false, true) }
                queue.waiting.append(Waiting(record: record, done: done))
                defer { queue.isBusy = true }
                return (!queue.isBusy, false)
            }
            if isClosed { done.resume(returning: .failure(.stopped)) }
            if begins { thread.submit { _ in self.drain() } }
        }
        try result.get()
    }

    /// Writes what waits; what comes later is refused.
    package func close() async {
        queue.withLock { $0.isClosed = true }
        try? await thread.shutdownGracefully()
    }

    private func drain() {
        while true {
            rest()
            let batch = queue.withLock { queue in
                let batch = Array(queue.waiting.prefix(Self.batch))
                queue.waiting.removeFirst(batch.count)
                if batch.isEmpty { queue.isBusy = false }
                return batch
            }
            if batch.isEmpty { return }
            pace.withLock { $0 = Pace(begun: .now, count: batch.count) }
            let records = batch.map(\.record)
            let (result, chain) = folder.withLock { folder in
                (Result { () throws(AuditError) in try folder.append(records) }, folder.chain)
            }
            standing.withLock { standing in
                standing.chain = chain
                standing.batches += 1
                if case .failure(let error) = result { standing.failure = error } else { standing.failure = nil }
            }
            for waiting in batch { waiting.done.resume(returning: result) }
        }
    }

    /// Whoever asks alone, one time after the other, never waits here.
    private func rest() {
        let last = pace.withLock { $0 }
        let left = last.begun + Self.spacing - .now
        guard last.count > 1, left > .zero else { return }
        usleep(UInt32(left.components.attoseconds / 1_000_000_000_000))
    }
}
