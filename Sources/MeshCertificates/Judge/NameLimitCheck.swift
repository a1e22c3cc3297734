import MeshCore

/// Name constraints of an authority. Source: RFC 5280 section 4.2.1.10.
enum NameLimitCheck {
    /// What of the certificate is outside of the limits; `nil` when nothing is.
    static func violation(_ limits: CertificateExtensions.NameLimits?, _ certificate: ParsedCertificate) -> String? {
        guard let limits else { return nil }
        for name in certificate.names {
            let judged: Set<AlternativeName.Kind> = [.uri, .dns, .ip, .email]
            let relevant = (limits.permitted + limits.excluded).filter { $0.kind == name.kind }
            guard !relevant.isEmpty else { continue }
            guard judged.contains(name.kind) else { return "has the name \(name.text), which cannot be compared here" }
            if limits.excluded.contains(where: { $0.kind == name.kind && covers($0, name) }) {
                return "has the name \(name.text)"
            }
            let permitted = limits.permitted.filter { $0.kind == name.kind }
            if !permitted.isEmpty, !permitted.contains(where: { covers($0, name) }) {
                return "has the name \(name.text)"
            }
        }
        // Subjects are compared by their attributes, which is more than anybody uses in a mesh.
        let hasDirectories = (limits.permitted + limits.excluded).contains { $0.kind == .directory }
        return hasDirectories && !certificate.subject.isEmpty
            ? "has the subject \(certificate.subject.text), which cannot be compared here" : nil
    }

    private static func covers(_ limit: AlternativeName, _ name: AlternativeName) -> Bool {
        switch name.kind {
        case .uri: host(name.raw).map { covers(host: limit.raw, $0, includesParent: false) } ?? false
        case .dns: covers(host: limit.raw, name.raw, includesParent: true)
        case .email:
            limit.raw.contains("@")
                ? limit.raw.lowercased() == name.raw.lowercased()
                : covers(host: limit.raw, String(name.raw.drop { $0 != "@" }.dropFirst()), includesParent: false)
        case .ip: covers(range: limit.raw, name.raw)
        case .directory, .registeredID, .other: false
        }
    }

    /// `.a.b` covers all below `a.b`; for DNS names `a.b` covers itself and all below, elsewhere itself alone.
    private static func covers(host limit: String, _ host: String, includesParent: Bool) -> Bool {
        let (limit, host) = (limit.lowercased(), host.lowercased())
        if limit.isEmpty { return true }
        if limit.hasPrefix(".") { return host.hasSuffix(limit) && host != limit }
        return host == limit || includesParent && host.hasSuffix(".\(limit)")
    }

    private static func host(_ uri: String) -> String? {
        guard let start = uri.firstRange(of: "://")?.upperBound else { return nil }
        let authority = uri[start...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        return String(host.prefix { $0 != ":" })
    }

    /// `address/mask` against an address of the same family.
    private static func covers(range: String, _ text: String) -> Bool {
        let parts = range.split(separator: "/")
        guard parts.count == 2, let base = IPAddress(parts[0]), let mask = IPAddress(parts[1]),
            let ip = IPAddress(text),
            base.isV4 == ip.isV4, base.bytes.count == mask.bytes.count
        else { return false }
        return zip(zip(base.bytes, mask.bytes), ip.bytes).allSatisfy { pair, byte in pair.0 & pair.1 == byte & pair.1 }
    }
}
