package import MeshCore

/// The trust domain of the mesh and its other names, as far as policies are concerned.
///
/// Applied at layer 7 only: the layer 4 form goes out as written. Source: Istio's trust domain bundle.
package struct TrustDomainAliases: Hashable, Sendable {
    /// The trust domain first, then its aliases.
    package let domains: [String]

    package init(_ settings: MeshSettings) { domains = settings.trustDomains }

    /// The values that a principal stands for: itself under each name of the trust domain, when it names one of them.
    ///
    /// `cluster.local` always means the trust domain of the mesh. A value that is not five parts, or whose domain is
    /// `*`, stays as it is.
    package func principals(_ value: String) -> [String] {
        guard let (domain, rest) = Self.divide(value), isOurs(domain) else { return [value] }
        var result: [String] = []
        for known in domains {
            let principal = Self.ends(known, as: domain) ? value : known + rest
            if !result.contains(principal) { result.append(principal) }
        }
        return result
    }

    /// Whether a principal names a trust domain that this mesh does not know: worth a warning.
    package func isForeign(_ value: String) -> Bool {
        guard let (domain, _) = Self.divide(value) else { return false }
        return !isOurs(domain)
    }

    /// The values that a trust domain stands for. `cluster.local` has no special meaning here.
    package func trustDomains(_ value: String) -> [String] { domains.contains(value) ? domains : [value] }

    /// The domain, and the rest with its slash.
    private static func divide(_ value: String) -> (domain: String, rest: String)? {
        guard let slash = value.firstIndex(of: "/"), value.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 4,
            value[..<slash] != "*"
        else { return nil }
        return (String(value[..<slash]), String(value[slash...]))
    }

    private func isOurs(_ domain: String) -> Bool {
        domain == "cluster.local"
            || domains.contains { known in
                known == domain || Self.begins(known, as: domain) || Self.begins(domain, as: known)
                    || Self.ends(known, as: domain) || Self.ends(domain, as: known)
            }
    }

    private static func begins(_ text: String, as pattern: String) -> Bool {
        pattern.hasSuffix("*") && text.hasPrefix(pattern.dropLast())
    }

    private static func ends(_ text: String, as pattern: String) -> Bool {
        pattern.hasPrefix("*") && text.hasSuffix(pattern.dropFirst())
    }
}
