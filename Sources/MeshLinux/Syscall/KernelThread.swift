internal import CLinux
package import MeshCore

/// A thread of the kernel's, outside the pool of Swift concurrency: it may block, spin a reactor, change its namespace.
package struct KernelThread: Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts `run` on a new thread called `name` (at most 15 bytes show).
    package static func start(_ name: String, _ run: @escaping @Sendable () -> Void) throws(KernelError) -> KernelThread
    {
        var handle = pthread_t()
        let body = unsafe Unmanaged.passRetained(Body(name, run))
        let refused = unsafe pthread_create(
            &handle, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                _ = unsafe pthread_setname_np(pthread_self(), String(body.name.prefix(15)))
                body.run()
                return nil
            }, unsafe body.toOpaque())
        guard refused == 0 else {
            unsafe body.release()
            throw KernelError(code: refused, operation: "start thread \(name)")
        }
        return KernelThread(handle: handle)
    }

    /// Lets the thread end unobserved. Instead of `join`.
    package func detach() { _ = pthread_detach(handle) }

    /// Waits until the thread has ended. To be called once.
    package func join() { _ = pthread_join(handle, nil) }
}
