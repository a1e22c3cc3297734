/// A system call that failed.
public struct KernelError: Error, Hashable, CustomStringConvertible {
    /// errno, positive.
    public let code: Int32
    /// What the call was for, such as "bind 0.0.0.0:15001".
    public let operation: String

    public init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
    }

    public var description: String { "\(operation): \(Self.text(code)) (errno \(code))" }

    /// The text of the errno values that users meet; others by number alone.
    public static func text(_ code: Int32) -> String {
        switch code {
        case 1: "operation not permitted"
        case 2: "no such file or directory"
        case 13: "permission denied"
        case 17: "already exists"
        case 19: "no such device"
        case 20: "not a directory"
        case 21: "is a directory"
        case 22: "invalid argument"
        case 23, 24: "too many open files"
        case 28: "no space left on device"
        case 32: "broken pipe"
        case 92: "protocol not available"
        case 97: "address family not supported"
        case 98: "address already in use"
        case 99: "cannot assign requested address"
        case 101: "network is unreachable"
        case 104: "connection reset by peer"
        case 110: "connection timed out"
        case 111: "connection refused"
        case 113: "no route to host"
        default: "system error"
        }
    }
}
