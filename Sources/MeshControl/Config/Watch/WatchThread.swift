import MeshCore
import MeshLinux

/// A thread that waits for a path to be touched and then to be quiet, and says so.
final class WatchThread: Sendable {
    /// One element once the path has been at rest from the start on, then one for each time that it was touched and came
    /// to rest; those that nobody has taken yet are one.
    let quietMoments: AsyncStream<Void>
    private let bell: Bell

    private final class Bell: Sendable {
        let doorbell: Doorbell
        init() throws(KernelError) { doorbell = try Doorbell() }
    }

    init(path: String, timing: LocalConfigWatcher.Timing) throws(KernelError) {
        let bell = try Bell()
        self.bell = bell
        // Here, so that the caller learns of a failure; from here on only the thread uses it.
        let watch = Handover(try PathWatch(path))
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        quietMoments = stream
        _ = try KernelThread.start("config-watch") {
            Self.watch(watch.value, bell.doorbell.descriptor, timing) { continuation.yield() }
            continuation.finish()
        }
    }

    func stop() { bell.doorbell.ring() }

    /// A value that one thread makes and another one uses alone from then on.
    private struct Handover: @unchecked Sendable {
        let value: PathWatch
        init(_ value: PathWatch) { self.value = value }
    }

    private static func watch(
        _ path: PathWatch, _ doorbell: Int32, _ timing: LocalConfigWatcher.Timing, _ rest: () -> Void
    ) {
        // As if it had been touched just now: whoever loaded it before may have missed a change, even one not yet over.
        while true {
            let deadline = ContinuousClock.now + timing.patience
            settling: while ContinuousClock.now < deadline {
                // What is on the way now may not have been watched when it was touched.
                try? path.follow()
                switch path.wait(milliseconds: Int32(timing.quiet / .milliseconds(1)), doorbell: doorbell) {
                case .doorbell: return
                case .nothing: break settling
                case .touched: continue
                }
            }
            rest()
            waiting: while true {
                switch path.wait(milliseconds: -1, doorbell: doorbell) {
                case .doorbell: return
                case .nothing: continue
                case .touched: break waiting
                }
            }
        }
    }
}
