import MeshCore
import MeshLinux
import MeshState
import Synchronization

/// A thread that looks up addresses without end, as a reactor does for each connection, and times its look-ups.
final class Reader: Sendable {
    /// How long look-ups took, by powers of two in nanoseconds.
    struct Times {
        private var counts = Array(repeating: 0, count: 64)
        private(set) var longest = 0

        mutating func add(_ nanoseconds: Int) {
            counts[Int.bitWidth - max(1, nanoseconds).leadingZeroBitCount - 1] += 1
            longest = max(longest, nanoseconds)
        }

        mutating func add(_ other: Times) {
            for (power, count) in other.counts.enumerated() { counts[power] += count }
            longest = max(longest, other.longest)
        }

        /// So many nanoseconds were enough for all but `fraction` of the look-ups, rounded up to a power of two.
        func enough(allBut fraction: Double) -> Int {
            var left = Double(counts.reduce(0, +)) * fraction
            for (power, count) in counts.enumerated().reversed() {
                left -= Double(count)
                if left < 0 { return min(longest, 2 << power) }
            }
            return 0
        }
    }

    private struct Shared {
        var next: MeshSnapshot?
        var times = Times()
    }

    private let shared = Mutex(Shared())
    private let mail = Atomic(false)
    private let isStopped = Atomic(false)

    func run(_ first: MeshSnapshot) {
        var snapshot = first
        let addresses = first.allServices.prefix(1024).compactMap { $0.service.fields.vips.first?.ip }
        var times = Times()
        var number = 0
        while !isStopped.load(ordering: .relaxed) {
            let start = Kernel.monotonicNanoseconds()
            if mail.load(ordering: .acquiring) {
                shared.withLock { shared in
                    if let next = shared.next.take() { snapshot = next }
                    (shared.times, times) = (times, Times())
                }
                mail.store(false, ordering: .releasing)
            }
            number = (number + 389) % addresses.count
            if snapshot.findUpstream(network: "", ip: addresses[number], clientNamespace: nil) == nil { break }
            times.add(Int(Kernel.monotonicNanoseconds() - start))
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Gives the reader another snapshot; returns when it has let go of the one before, with its times until then.
    func take(_ next: MeshSnapshot?) -> Times {
        shared.withLock { $0.next = next }
        mail.store(true, ordering: .releasing)
        while mail.load(ordering: .acquiring) {}
        return shared.withLock { $0.times }
    }
}
