import MeshCore

extension NftRule: CustomStringConvertible {
    /// The rule as `nft` reads it, without table and chain.
    package var description: String {
        (matches.map(\.description) + (counted ? ["counter"] : []) + actions.map(\.description)).joined(separator: " ")
    }
}

extension NftRule.Match: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inputInterface(let name): "iifname \"\(name)\""
        case .outputInterface(let name, let negated): "oifname \(negated ? "!= " : "")\"\(name)\""
        case .transport(let transport): "meta l4proto \(transport.rawValue)"
        case .address(let side, let address, let negated):
            "\(address.isV4 ? "ip" : "ip6") \(side == .source ? "saddr" : "daddr") \(negated ? "!= " : "")\(address)"
        case .port(let transport, let side, let port, let negated):
            "\(transport.rawValue) \(side == .source ? "sport" : "dport") \(negated ? "!= " : "")\(port)"
        case .packetMark(let mark, let negated): "meta mark & \(mark.maskHex) \(negated ? "!=" : "==") \(mark.hex)"
        case .connectionMark(let mark): "ct mark & \(mark.maskHex) == \(mark.hex)"
        case .foreign(let json): json
        }
    }
}

extension NftRule.Action: CustomStringConvertible {
    package var description: String {
        switch self {
        case .jump(let chain): "jump \(chain)"
        case .accept: "accept"
        case .leave: "return"
        case .redirect(let port): "redirect to :\(port)"
        case .brandConnection(let mark):
            "ct mark set ct mark & 0x\(String(~mark.mask, radix: 16)) | \(mark.hex)"
        case .restoreMark: "meta mark set ct mark"
        case .connectionZone(let zone): "ct zone set \(zone)"
        case .foreign(let json): json
        }
    }
}

extension NftTable {
    /// The commands that make the table anew, whatever stood there before, for one transaction of `nft -f`.
    ///
    /// The first `add` is there so that the `delete` is right also when there is no such table.
    package var commands: [String] {
        var lines = deletion + ["add table inet \(name)"]
        for chain in chains {
            let hook = chain.hook.map {
                " { type \($0.type) hook \($0.point) priority \($0.priority); policy \($0.policy); }"
            }
            lines.append("add chain inet \(name) \(chain.name)\(hook ?? "")")
        }
        for chain in chains {
            let comment = chain.hook == nil ? nil : comments.min().map { " comment \"\($0)\"" }
            lines += chain.rules.map { "add rule inet \(name) \(chain.name) \($0)\(comment ?? "")" }
        }
        return lines
    }

    /// The commands that make sure that there is no such table.
    package var deletion: [String] { Self.deletion(of: name) }

    static func deletion(of name: String) -> [String] { ["add table inet \(name)", "delete table inet \(name)"] }
}
