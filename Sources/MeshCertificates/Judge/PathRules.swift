import MeshCore

/// The rules that a path from a certificate to a root must keep, in the order in which they are told.
struct PathRules {
    /// The certificate first, the root last.
    let path: [ParsedCertificate]
    let role: CertificateRole
    let revocations: RevocationRegister
    let now: Int64

    func check() throws(TrustFailure) {
        for (depth, certificate) in path.enumerated() {
            let isRoot = depth == path.count - 1
            try refuse(certificate, for: CertificateFault.time(of: certificate, now: now))
            // A root is trusted by its place in the bundle, which no list of its own changes.
            let revocation = isRoot ? nil : revocations.revocation(of: certificate, issuedBy: path[depth + 1])
            try refuse(certificate, for: revocation.map(CertificateFault.revocation))
            try refuse(certificate, for: CertificateFault.form(of: certificate).first)
            try refuse(certificate, for: CertificateFault.strength(of: certificate, isRoot: isRoot).first)
            if depth > 0 { try checkAuthority(certificate, depth: depth, isRoot: isRoot) }
        }
        if !path[0].isAuthority { try checkUsage(path[0], of: "the certificate") }
    }

    private func refuse(_ certificate: ParsedCertificate, for fault: CertificateFault?) throws(TrustFailure) {
        guard let fault else { return }
        throw TrustFailure(rule: fault.rule, certificate: certificate, reason: fault.reason, remedy: fault.remedy)
    }

    private func checkAuthority(_ certificate: ParsedCertificate, depth: Int, isRoot: Bool) throws(TrustFailure) {
        let below = path[depth - 1].label
        // Roots of version 1 have no way to say it; they are taken as written.
        let isOld = isRoot && certificate.version == 1
        guard certificate.isAuthority || isOld else {
            throw TrustFailure(
                rule: .notAnAuthority, certificate: certificate,
                reason: "signed \(below), but is no authority: its basicConstraints do not say CA",
                remedy: "issue by a certificate with CA:TRUE")
        }
        if let usage = certificate.extensions.keyUsage, !usage.contains("keyCertSign") {
            throw TrustFailure(
                rule: .keyUsage, certificate: certificate,
                reason: "signed \(below), but its key usage (\(usage.joined(separator: ", "))) lacks keyCertSign",
                remedy: "issue the authority's certificate with keyCertSign")
        }
        // Self-issued intermediates do not count. Source: RFC 5280 section 4.2.1.9.
        let between = path[1..<depth].count { !$0.isSelfIssued }
        if let limit = certificate.extensions.basicConstraints?.pathLength, between > limit {
            throw TrustFailure(
                rule: .pathLength, certificate: certificate,
                reason: "allows \(limit) authorities below it, and there are \(between)",
                remedy: "issue it with a larger path length, or issue the leaf one level higher")
        }
        try checkUsage(certificate, of: "the authority")
        for lower in path[..<depth] {
            if let reason = NameLimitCheck.violation(certificate.extensions.nameLimits, lower) {
                throw TrustFailure(
                    rule: .nameConstraint, certificate: lower,
                    reason: "\(reason), which \(certificate.label) does not permit by its name constraints",
                    remedy: "issue it by another authority, or with a name that is permitted")
            }
        }
    }

    /// An extended usage limits what it is on, and on an authority all below it.
    private func checkUsage(_ certificate: ParsedCertificate, of what: String) throws(TrustFailure) {
        guard let usages = certificate.extensions.extendedKeyUsage, !usages.contains("any") else { return }
        let wanted =
            switch role {
            case .workload: ["serverAuth", "clientAuth"]
            case .server: ["serverAuth"]
            case .any: [String]()
            }
        let missing = wanted.filter { !usages.contains($0) }
        guard !missing.isEmpty else { return }
        throw TrustFailure(
            rule: .extendedKeyUsage, certificate: certificate,
            reason:
                "its extended key usage (\(usages.joined(separator: ", "))) lacks \(missing.joined(separator: " and "))",
            remedy: "have \(what) issued with \(wanted.joined(separator: " and "))")
    }
}

/// Lengths of time for people.
enum Span {
    /// The two largest units, such as `3 d 4 h` or `59 s`.
    static func text(_ seconds: Int64) -> String {
        let units: [(name: String, size: Int64)] = [
            ("y", 31_536_000), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1),
        ]
        let index = units.firstIndex { seconds >= $0.size } ?? units.count - 1
        let first = seconds / units[index].size
        let text = "\(first) \(units[index].name)"
        guard index + 1 < units.count else { return text }
        let second = (seconds - first * units[index].size) / units[index + 1].size
        return second > 0 ? "\(text) \(second) \(units[index + 1].name)" : text
    }
}
