import MeshCore
import MeshLinux
import Synchronization

/// Looks a name up, and does not wait for the system's servers longer than one wants to.
enum LookUp {
    private final class Answer: Sendable {
        let value = Mutex<Result<[IPAddress], SystemResolver.Failure>?>(nil)
    }

    /// `nil` when the time is over; the look-up goes on without us, on a thread of its own.
    static func addresses(
        of host: String, milliseconds: Int32
    ) -> Result<[IPAddress], SystemResolver.Failure>? {
        guard let (here, there) = Kernel.socketPair() else { return .failure(.other("no more descriptors")) }
        defer { Kernel.close(here) }
        let answer = Answer()
        do throws(KernelError) {
            // The thread's end closes when it is done, which makes ours readable.
            try KernelThread.start("look-up") {
                answer.value.withLock { $0 = SystemResolver.addresses(of: host) }
                Kernel.close(there)
            }.detach()
        } catch {
            Kernel.close(there)
            return .failure(.other("\(error)"))
        }
        guard Kernel.wait(here, writable: false, milliseconds: milliseconds) else { return nil }
        return answer.value.withLock { $0 }
    }
}
