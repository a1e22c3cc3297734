/// Keys of the facts in log lines.
enum LogKey {
    static let address = "address"
    static let caller = "caller.name"
    static let count = "count"
    static let file = "file"
    static let identity = "identity"
    static let notAfter = "certificate.notAfter"
    static let peer = "peer.address"
    static let reason = "reason"
    static let retryIn = "retry.in"
    static let serial = "certificate.serial"
}
