package import MeshCore
import MeshWire

/// The addresses of a name, or why there are none.
package struct NameResolution: Sendable, Equatable {
    package let addresses: [IPAddress]
    package let reason: String

    init(addresses: [IPAddress], reason: String) {
        self.addresses = addresses
        self.reason = reason
    }

    /// Reads what upstream said, aliases followed.
    init(_ reply: Forwarder.Reply, _ asked: DNSQuestion) {
        switch reply {
        case .failure(let failure): self.init(addresses: [], reason: "\(failure)")
        case .success(let (bytes, server)):
            do throws(DNSMessageError) {
                let message = try DNSMessage.parse(bytes.span)
                let addresses = Self.addresses(in: message, of: asked)
                let what = message.header.code == .noError ? "\(addresses.count) addresses" : "\(message.header.code)"
                self.init(addresses: addresses, reason: "upstream \(server): \(what)")
            } catch {
                self.init(addresses: [], reason: "upstream \(server): \(error)")
            }
        }
    }

    /// Aliases that are followed; a chain is no longer in any zone that works.
    private static let aliasLimit = 16

    private static func addresses(in message: DNSMessage, of asked: DNSQuestion) -> [IPAddress] {
        guard message.header.code == .noError else { return [] }
        var name = asked.name
        for _ in 0..<aliasLimit {
            var target: DNSName?
            var found: [IPAddress] = []
            for record in message.answers where record.name == name {
                switch record.content {
                case .a(let ip) where asked.type == .a: found.append(ip)
                case .aaaa(let ip) where asked.type == .aaaa: found.append(ip)
                case .cname(let next): target = next
                default: break
                }
            }
            guard found.isEmpty, let target else { return found }
            name = target
        }
        return []
    }
}
