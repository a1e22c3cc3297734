package import MeshCore

/// A value under a mask, as marks are tested: `mark & mask == value`.
package struct Mark: Hashable, Sendable {
    package let value: UInt32
    package let mask: UInt32

    package init(_ value: UInt32, mask: UInt32 = 0xfff) {
        self.value = value
        self.mask = mask
    }

    package var hex: String { "0x" + String(value, radix: 16) }
    package var maskHex: String { "0x" + String(mask, radix: 16) }
}

/// One rule of nftables, in the words that redirection uses. What else a kernel holds is `foreign`.
package struct NftRule: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable { case tcp, udp }
    package enum Side: String, Hashable, Sendable { case source, destination }

    package enum Match: Hashable, Sendable {
        case inputInterface(String)
        case outputInterface(String, negated: Bool = false)
        /// `meta l4proto`, without a port.
        case transport(Transport)
        case address(Side, IPAddress, negated: Bool = false)
        case port(Transport, Side, UInt16, negated: Bool = false)
        case packetMark(Mark, negated: Bool = false)
        case connectionMark(Mark)
        /// A statement that is none of these, as JSON.
        case foreign(String)
    }

    package enum Action: Hashable, Sendable {
        case jump(String)
        case accept
        case leave
        case redirect(UInt16)
        /// Writes the value into the masked bits of the conntrack mark.
        case brandConnection(Mark)
        /// Copies the conntrack mark to the packet.
        case restoreMark
        case connectionZone(UInt16)
        case foreign(String)
    }

    package let matches: [Match]
    /// Whether packets are counted.
    package let counted: Bool
    package let actions: [Action]

    package init(_ matches: [Match], counted: Bool = true, _ actions: Action...) {
        self.init(matches, counted: counted, actions: actions)
    }

    package init(_ matches: [Match], counted: Bool, actions: [Action]) {
        self.matches = matches
        self.counted = counted
        self.actions = actions
    }
}

/// A chain; `hook` is there when packets enter it by themselves.
package struct NftChain: Hashable, Sendable {
    package struct Hook: Hashable, Sendable {
        /// `filter`, `nat` or `route`.
        package let type: String
        /// `prerouting`, `output`, ...
        package let point: String
        package let priority: Int
        package let policy: String

        package init(type: String, point: String, priority: Int, policy: String = "accept") {
            self.type = type
            self.point = point
            self.priority = priority
            self.policy = policy
        }
    }

    package let name: String
    package let hook: Hook?
    package var rules: [NftRule]

    package init(_ name: String, hook: Hook? = nil, rules: [NftRule]) {
        self.name = name
        self.hook = hook
        self.rules = rules
    }
}

/// A table of family `inet`.
package struct NftTable: Hashable, Sendable {
    package let name: String
    package var chains: [NftChain]
    /// The comments on the rules of its base chains: where a maker leaves its name.
    package var comments: Set<String>
    /// Sets, maps and what else stands in it besides chains: `set probes`.
    package var extras: [String]

    package init(_ name: String, comments: Set<String>, chains: [NftChain], extras: [String] = []) {
        self.name = name
        self.chains = chains
        self.comments = comments
        self.extras = extras
    }
}
