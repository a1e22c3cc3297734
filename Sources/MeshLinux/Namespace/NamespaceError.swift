package import MeshCore

/// Why a network namespace cannot be used.
package enum NamespaceError: Error, Hashable, CustomStringConvertible {
    /// The name or path leads nowhere; `tried` are the paths that were looked at.
    case missing(NetworkNamespace.Target, tried: [String])
    /// There is something, but it is no network namespace: a name left behind in /run/netns, or another file.
    case notANamespace(String)
    /// The name cannot be one of a namespace: empty, `.`, `..`, or with a slash or a NUL in it.
    case badName(String)
    /// The caller may not look at or enter it.
    case denied(String, KernelError)
    /// It is the namespace of the host, or cannot be told from it.
    case host(String, why: String)
    case kernel(KernelError)

    package var description: String {
        switch self {
        case .missing(.pid(let pid), _):
            "no process \(pid); give the process number of a running container"
        case .missing(let target, let tried):
            "no network namespace \(target): looked for \(tried.joined(separator: " and ")); `ip netns` lists the named ones"
        case .notANamespace(let path):
            "\(path) is no network namespace; a name left behind is removed with `ip netns delete`"
        case .badName(let name):
            "'\(name)' cannot be the name of a network namespace"
        case .denied(let label, let error):
            "may not enter network namespace \(label) (\(error.operation): \(KernelError.text(error.code))); "
                + "run as root, or with CAP_SYS_ADMIN and CAP_SYS_PTRACE"
        case .host(let label, let why):
            "network namespace \(label) is refused: \(why); name the namespace of a pod with --netns or --pid"
        case .kernel(let error):
            error.description
        }
    }
}
