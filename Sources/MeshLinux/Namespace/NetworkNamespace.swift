import CLinux
import MeshCore

/// An open network namespace; closed when the value goes out of scope.
///
/// Namespaces are a property of the thread, so nothing enters one except inside `run`.
package struct NetworkNamespace: ~Copyable, Sendable {
    /// What a user can point at.
    package enum Target: Hashable, Sendable, CustomStringConvertible {
        /// A name made by `ip netns add`: /run/netns/NAME, or /var/run/netns/NAME.
        case name(String)
        case path(String)
        case pid(Int32)
        /// The namespace of the calling thread.
        case own

        /// A path when there is a slash in it, else a name.
        package init(parsing text: String) { self = text.contains("/") ? .path(text) : .name(text) }

        package var description: String {
            switch self {
            case .name(let name): name
            case .path(let path): path
            case .pid(let pid): "of process \(pid)"
            case .own: "of this process"
            }
        }
    }

    /// Two descriptors are the same namespace when both numbers are equal.
    package struct Identity: Hashable, Sendable, CustomStringConvertible {
        package let device: UInt64
        package let inode: UInt64
        package var description: String { "net:[\(inode)]" }

        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package let target: Target
    package let identity: Identity
    private let descriptor: Int32

    /// Opens a namespace without entering it.
    ///
    /// - Throws: `.badName`, `.missing`, `.notANamespace`, `.denied` or `.kernel`.
    package init(_ target: Target) throws(NamespaceError) {
        let paths = try Self.paths(of: target)
        for path in paths {
            let opened = unsafe cl_open_for_reading(path)
            guard opened >= 0 else {
                let error = KernelError(code: -opened, operation: "open \(path)")
                switch -opened {
                case ENOENT, ESRCH, ENOTDIR: continue
                case EACCES, EPERM: throw .denied(target.description, error)
                default: throw .kernel(error)
                }
            }
            guard cl_is_network_namespace(opened) == 1 else {
                _ = cl_close(opened)
                throw .notANamespace(path)
            }
            var (device, inode): (UInt64, UInt64) = (0, 0)
            let refused = unsafe cl_identity(opened, &device, &inode)
            guard refused == 0 else {
                _ = cl_close(opened)
                throw .kernel(KernelError(code: -refused, operation: "stat \(path)"))
            }
            self.target = target
            identity = Identity(device: device, inode: inode)
            descriptor = opened
            return
        }
        throw .missing(target, tried: paths)
    }

    deinit { _ = cl_close(descriptor) }

    private static func paths(of target: Target) throws(NamespaceError) -> [String] {
        switch target {
        case .name(let name):
            guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.contains("\0") else {
                throw .badName(name)
            }
            return ["/run/netns/\(name)", "/var/run/netns/\(name)"]
        case .path(let path):
            guard !path.contains("\0") else { throw .badName(path) }
            return [path]
        case .pid(let pid): return ["/proc/\(pid)/ns/net"]
        case .own: return ["/proc/thread-self/ns/net"]
        }
    }

    /// Runs `body` inside the namespace, on a thread that is made for it and ends with it; returns what it gave.
    ///
    /// The calling thread waits, so values need not be sendable; what is bound to a thread (errno, another `setns`)
    /// stays behind.
    /// - Throws: when the namespace cannot be entered; then `body` did not run.
    package func run<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(NamespaceError) -> Result<Value, Failure> {
        var outcome: Result<Value, Failure>?
        let refused = visit {
            do throws(Failure) {
                outcome = .success(try body())
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome, refused == 0 else {
            let error = KernelError(code: -refused, operation: "setns")
            throw refused == -EPERM ? .denied(target.description, error) : .kernel(error)
        }
        return outcome
    }

    private func visit(_ body: () -> Void) -> Int32 {
        withoutActuallyEscaping(body) { body in
            let box = Box(body)
            // The box outlives the thread, which is joined before the call returns.
            return withExtendedLifetime(box) {
                unsafe cl_visit_network(
                    descriptor,
                    { context in
                        guard let context = unsafe context else { return }
                        unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().body()
                    }, Unmanaged.passUnretained(box).toOpaque())
            }
        }
    }

    private final class Box {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
