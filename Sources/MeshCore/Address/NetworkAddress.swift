/// An address inside one named network. The default network is the empty name, written `/10.0.0.1`.
public struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    public let network: String
    public let ip: IPAddress

    public init(network: String, ip: IPAddress) {
        self.network = network
        self.ip = ip
    }

    /// `network/ip`; `nil` when there is no slash or the part behind the last one is no address.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.lastIndex(of: "/"), let ip = IPAddress(text[text.index(after: slash)...]) else {
            return nil
        }
        self.init(network: String(text[..<slash]), ip: ip)
    }

    public var description: String { "\(network)/\(ip)" }
}

/// `namespace/hostname`, the key of a service and of a workload that has a hostname.
public struct NamespacedHostname: Hashable, Sendable, CustomStringConvertible {
    public let namespace: String
    public let hostname: String

    public init(namespace: String, hostname: String) {
        self.namespace = namespace
        self.hostname = hostname
    }

    /// `namespace/hostname`; `nil` unless there is exactly one slash with text on both sides.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(namespace: String(parts[0]), hostname: String(parts[1]))
    }

    public var description: String { "\(namespace)/\(hostname)" }
}
