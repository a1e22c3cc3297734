import MeshCore
import MeshLinux

/// A thread that waits for paths to be touched and then to be quiet, and says so.
final class WatchThread: Sendable {
    /// One element once the paths have been at rest from the start on, then one for each time that they were touched and
    /// came to rest; those that nobody has taken yet are one. With what cannot be watched, if anything.
    let quietMoments: AsyncStream<KernelError?>
    private let bell: Bell

    private final class Bell: Sendable {
        let doorbell: Doorbell
        init() throws(KernelError) { doorbell = try Doorbell() }
    }

    /// - Parameter paths: what to watch; asked again whenever something was touched, since folders grow.
    init(timing: LocalConfigWatcher.Timing, paths: @escaping @Sendable () -> [String]) throws(KernelError) {
        let bell = try Bell()
        self.bell = bell
        // Here, so that the caller learns of a failure; from here on only the thread uses it.
        let watch = Handover(try PathWatch(paths()))
        let (stream, continuation) = AsyncStream.makeStream(of: KernelError?.self, bufferingPolicy: .bufferingNewest(1))
        quietMoments = stream
        _ = try KernelThread.start("config-watch") {
            Self.watch(watch.value, paths, bell.doorbell.descriptor, timing) { continuation.yield($0) }
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
        _ watch: PathWatch, _ paths: () -> [String], _ doorbell: Int32, _ timing: LocalConfigWatcher.Timing,
        _ rest: (KernelError?) -> Void
    ) {
        // As if they had been touched just now: whoever loaded them before may have missed a change, even one not yet over.
        while true {
            let deadline = ContinuousClock.now + timing.patience
            var failure: KernelError?
            settling: while ContinuousClock.now < deadline {
                // What is on the way now may not have been watched when it was touched.
                let wanted = paths()
                failure = nil
                do throws(KernelError) { try watch.follow(wanted) } catch { failure = error }
                switch watch.wait(milliseconds: Int32(timing.quiet / .milliseconds(1)), doorbell: doorbell) {
                case .doorbell: return
                // A folder may have come into another one that was not watched yet.
                case .nothing: if paths() == wanted { break settling }
                case .touched: continue
                }
            }
            rest(failure)
            waiting: while true {
                switch watch.wait(milliseconds: -1, doorbell: doorbell) {
                case .doorbell: return
                case .nothing: continue
                case .touched: break waiting
                }
            }
        }
    }
}
