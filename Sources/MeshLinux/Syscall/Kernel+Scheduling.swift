internal import CLinux

extension Kernel {
    /// Nanoseconds; the shortest slice that can be asked for. The usual one is 0.7 to 2.8 ms, by the number of cores.
    package static let shortSlice: UInt64 = 100_000

    /// Lets the scheduler ask after a tenth of a millisecond whether the calling thread may keep its core.
    ///
    /// - Returns: whether it does from now on: not before Linux 6.12, nor under idle and real-time policies.
    package static func takeShortSlices() -> Bool { cl_set_slice(shortSlice) >= 0 && slice() == shortSlice }

    /// The slice of thread `tid` of this process, of the caller for 0, in nanoseconds; `nil` where the kernel has none.
    package static func slice(of tid: Int32 = 0) -> UInt64? {
        let slice = cl_slice(tid)
        return slice > 0 ? UInt64(slice) : nil
    }

    /// Lets others that wait for this core go first, those of them that have had less of it.
    package static func yield() { _ = sched_yield() }
}
