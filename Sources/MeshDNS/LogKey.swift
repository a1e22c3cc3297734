/// Keys of the facts in log lines.
enum LogKey {
    static let address = "address"
    static let count = "count"
    static let file = "file"
    static let name = "dns.name"
    static let peer = "peer.address"
    static let reason = "reason"
    static let responseCode = "dns.code"
    static let transport = "dns.transport"
    static let type = "dns.type"
    static let upstream = "dns.upstream"
}
