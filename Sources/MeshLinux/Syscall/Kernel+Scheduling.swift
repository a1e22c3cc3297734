internal import CLinux

extension Kernel {
    /// Nanoseconds; the shortest slice that Linux gives (6.12 and later, 2.8 ms otherwise).
    package static let shortSlice: UInt64 = 100_000

    /// Lets the scheduler ask after a tenth of a millisecond whether the calling thread may keep its core.
    ///
    /// Older kernels and real-time policies go on as they were, which costs fairness alone.
    package static func takeShortSlices() { _ = cl_set_slice(shortSlice) }

    /// The slice of thread `tid` of this process, of the caller for 0, in nanoseconds; `nil` where the kernel has none.
    package static func slice(of tid: Int32 = 0) -> UInt64? {
        let slice = cl_slice(tid)
        return slice > 0 ? UInt64(slice) : nil
    }

    /// Lets others that wait for this core go first, those of them that have had less of it.
    package static func yield() { _ = sched_yield() }
}
