import NIOCore

/// Runs tasks on one event loop: what a connection's loop wakes goes on upon that loop, without a thread in between.
///
/// By default each step of a call is handed to a pool of threads and back, which costs two wake-ups where there is one core.
final class LoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
