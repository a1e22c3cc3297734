import MeshCore

/// The names under which clients may reach the server.
enum ServerName {
    /// localhost, the loopback addresses, the address listened on unless that is "any", and the configured ones.
    static func all(_ configuration: AuthorityServer.Configuration) throws(MeshFailure) -> [SubjectName] {
        var names: [SubjectName] = [.dns("localhost"), .ip(.loopbackV4), .ip(.loopbackV6)]
        if !configuration.listen.ip.isUnspecified { names.append(.ip(configuration.listen.ip)) }
        for text in configuration.serverNames { names.append(try name(text)) }
        var seen: Set<SubjectName> = []
        return names.filter { seen.insert($0).inserted }
    }

    private static func name(_ text: String) throws(MeshFailure) -> SubjectName {
        if let address = IPAddress(text) { return .ip(address) }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            throw MeshFailure(
                .usage, doing: "name the server", reason: "\"\(text)\" is neither a DNS name nor an IP address")
        }
        return .dns(text)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
