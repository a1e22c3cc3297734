/// IPv4 or IPv6.
package enum AddressFamily: String, Hashable, Sendable, CaseIterable, Encodable {
    case v4 = "ipv4"
    case v6 = "ipv6"

    /// The word between `ip` and `route`, with its space.
    var ipOption: String { self == .v4 ? "" : "-6 " }
    package var everything: String { self == .v4 ? "0.0.0.0/0" : "::/0" }
}

/// A route of one table.
package struct PolicyRoute: Hashable, Sendable {
    package let family: AddressFamily
    package let table: UInt32
    /// RTN_*: 1 unicast, 2 local.
    package let type: UInt8
    /// `0.0.0.0/0`, `10.0.0.0/8`.
    package let destination: String
    /// The name of the link; `nil` when it has none, or several.
    package let device: String?
    package let gateway: String?
    package let metric: UInt32
    /// Who made it: RTPROT_* of linux/rtnetlink.h, or a number of the maker's choice.
    package let origin: UInt8

    package static let local: UInt8 = 2

    /// `local 0.0.0.0/0 dev lo table 100`, what `ip route` takes, without who made it.
    package var selector: String {
        let kinds: [UInt8: String] = [
            1: "", 2: "local ", 3: "broadcast ", 5: "multicast ", 6: "blackhole ", 7: "unreachable ", 8: "prohibit ",
            9: "throw ",
        ]
        let via = gateway.map { " via \($0)" } ?? ""
        return
            "\(kinds[type] ?? "type \(type) ")\(destination)\(via)\(device.map { " dev \($0)" } ?? "") table \(table)"
    }
}

/// A rule that chooses a routing table by packet mark.
package struct PolicyRule: Hashable, Sendable {
    package let family: AddressFamily
    package let priority: UInt32
    package let mark: Mark
    package let table: UInt32
    /// As `PolicyRoute.origin`.
    package let origin: UInt8
    /// Tests besides the mark, or another action than a table.
    package let isNarrower: Bool

    package init(
        family: AddressFamily, priority: UInt32, mark: Mark, table: UInt32, origin: UInt8, isNarrower: Bool = false
    ) {
        self.family = family
        self.priority = priority
        self.mark = mark
        self.table = table
        self.origin = origin
        self.isNarrower = isNarrower
    }

    package var selector: String { "fwmark \(mark.hex)/\(mark.maskHex) pref \(priority) lookup \(table)" }
}
