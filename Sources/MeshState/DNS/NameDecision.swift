package import MeshCore

package enum AddressFamily: String, Sendable, CaseIterable, CustomStringConvertible {
    case v4 = "IPv4", v6 = "IPv6"

    package var description: String { rawValue }
    package func includes(_ ip: IPAddress) -> Bool { ip.isV4 == (self == .v4) }
}

/// What a client of the DNS proxy asks.
package struct NameQuestion: Sendable, Hashable {
    /// Lower case, without a dot at the end; `nil` for a name that no service can have.
    package var host: String?
    /// `nil`: records other than addresses.
    package var family: AddressFamily?

    package init(host: String?, family: AddressFamily?) {
        self.host = host
        self.family = family
    }
}

/// What becomes of a question, and why.
package struct NameDecision: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        /// We know, and say so with authority. With an alias, the name asked for is an alias (CNAME) of it, and the
        /// addresses are the alias's; else they are those of the name asked for.
        case answer([IPAddress], alias: String?)
        /// The name is ours, and has no such address: no error, no records, with authority.
        case empty
        /// Others know.
        case forward
        /// Nobody can say.
        case serverFailure
    }

    package let outcome: Outcome
    package let reason: NameReason

    init(_ outcome: Outcome, _ reason: NameReason) {
        self.outcome = outcome
        self.reason = reason
    }

    /// Seconds for which an answer of ours holds.
    package static let timeToLive: UInt32 = 30
}

/// The service that a name was found to mean.
package struct NameMatch: Sendable, Hashable, CustomStringConvertible {
    package let service: NamespacedHostname
    /// The candidate that was found: a full hostname, or one with `*` in front.
    package let candidate: String
    /// The name without its search domain, where it was found through one.
    package let stripped: String?
    package let isWildcard: Bool
    package let isHeadless: Bool

    package var description: String {
        "\(isHeadless ? "headless service" : "service") \(service)"
            + (candidate == service.hostname && stripped == nil ? "" : " as \(candidate)")
            + (stripped.map { ", search domain taken off \($0)" } ?? "")
    }
}

/// Why a question was decided as it was.
package enum NameReason: Sendable, Hashable, CustomStringConvertible {
    case clientUnknown
    case notAnAddressQuestion
    case notAHostname
    case noService
    case found(NameMatch)
    case ipv6Disabled(NameMatch)
    /// The service is of one family, and it is not this one.
    case familyExcluded(NameMatch, AddressFamily)
    case noVirtualAddress(NameMatch, AddressFamily, network: String)
    case noEndpoint(NameMatch, AddressFamily)

    package var description: String {
        switch self {
        case .clientUnknown: "the workload of this client is not known yet"
        case .notAnAddressQuestion: "only addresses are answered here"
        case .notAHostname: "no service can have this name"
        case .noService: "no service that this client sees has this name"
        case .found(let match): "\(match)"
        case .ipv6Disabled(let match): "IPv6 is off; \(match)"
        case .familyExcluded(let match, let family): "its ipFamilies leave out \(family); \(match)"
        case .noVirtualAddress(let match, let family, let network):
            "it has no \(family) address in network \"\(network)\"; \(match)"
        case .noEndpoint(let match, let family): "it has no endpoint with an \(family) address; \(match)"
        }
    }
}
