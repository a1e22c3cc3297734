import NIOCore
import NIOPosix

/// Runs tasks on event loops: what a connection's loop wakes goes on upon that loop, without a thread in between.
///
/// By default each step of a call is handed to a pool of threads and back, which costs two wake-ups where there is one core.
final class LoopTaskExecutor: TaskExecutor {
    private let loops: MultiThreadedEventLoopGroup

    init(_ loops: MultiThreadedEventLoopGroup) { self.loops = loops }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = loops.any()
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
