/// Finds the mistakes that meshes are known for, in one set.
struct SetLinter {
    let view: SetView
    /// Certificates of all sets, among which the owner of a key may be.
    private let everything: [ParsedCertificate]
    private(set) var findings: [CertificateFinding] = []
    /// Of each start of a chain, in their order; empty without a bundle.
    private(set) var verdicts: [TrustVerdict] = []

    init(_ view: SetView, everything: [ParsedCertificate]) {
        self.view = view
        self.everything = everything
    }

    mutating func check() {
        checkParts()
        let inBundle = Set(view.bundle)
        for certificate in view.certificates {
            let lint = CertificateLint(certificate, view)
            let isRoot = inBundle.contains(certificate) && view.options.bundle == nil
            // That a root has expired is said once, with what it means for a bundle.
            for mistake in lint.mistakes where !isRoot || mistake.check != .expired { add(mistake, certificate) }
            if isRoot { checkRoot(certificate) }
            if let revocation = view.revocation(of: certificate) {
                let fault = CertificateFault.revocation(revocation)
                add(.error, fault.check, certificate, fault.reason, remedy: fault.remedy)
            }
        }
        let lint = RevocationListLint(view.revocations, among: view.bundle + view.certificates, now: view.options.now)
        for index in 0..<view.ownLists { for mistake in lint.mistakes(index) { add(mistake) } }
        for part in view.subject.set.parts where part.purpose == .chain { checkOrder(part) }
        checkKeys()
        checkPaths()
        checkName()
    }

    /// For a bundle that was given to judge by.
    mutating func checkBundle() {
        checkParts()
        for certificate in view.certificates { checkRoot(certificate) }
    }

    mutating func add(
        _ severity: CertificateFinding.Severity, _ check: CertificateFinding.Check, _ certificate: ParsedCertificate?,
        place: String? = nil, _ message: String, remedy: String
    ) {
        findings.append(
            CertificateFinding(
                severity: severity, check: check, set: view.subject.set.name,
                place: place ?? certificate.map { view.place($0) } ?? "", certificate: certificate?.label,
                message: message, remedy: remedy))
    }

    private mutating func add(_ mistake: CertificateLint.Mistake, _ certificate: ParsedCertificate) {
        add(mistake.severity, mistake.check, certificate, mistake.message, remedy: mistake.remedy)
    }

    mutating func add(_ mistake: RevocationListLint.Mistake) {
        add(mistake.severity, mistake.check, nil, place: mistake.place, mistake.message, remedy: mistake.remedy)
    }

    private mutating func checkParts() {
        for part in view.subject.set.parts {
            for problem in part.problems {
                add(.error, .unreadable, nil, place: part.name, problem, remedy: "replace or remove it")
            }
            var seen: Set<ParsedCertificate> = []
            for certificate in part.certificates where !seen.insert(certificate).inserted {
                add(
                    .warning, .duplicate, certificate, place: part.name, "stands more than once in \(part.name)",
                    remedy: "remove the copies")
            }
        }
    }

    private mutating func checkRoot(_ certificate: ParsedCertificate) {
        if view.options.now > certificate.notAfter {
            add(
                .error, .rootExpired, certificate,
                "the bundle holds a root that expired \(Span.text(view.options.now - certificate.notAfter)) ago",
                remedy: "remove it from the bundle, and see that its successor is there")
        }
        if !certificate.isAuthority, certificate.version == 3 {
            add(
                .warning, .rootIsNoAuthority, certificate, "the bundle holds a certificate that is no authority",
                remedy: "put roots there only; a leaf there is trusted whoever it is")
        }
    }

    // MARK: Keys

    private mutating func checkKeys() {
        for part in view.subject.set.parts {
            for key in part.keys {
                guard key.isReadable else {
                    let remedy = key.isEncrypted ? "a proxy needs it without password" : "use PKCS#8, PKCS#1 or SEC1"
                    add(
                        .warning, .keyNotCompared, nil, place: part.name,
                        "\(part.name) holds an \(key.kind), which cannot be compared", remedy: remedy)
                    continue
                }
                // A key alone is no mistake: its certificate may be anywhere.
                let others = view.certificates.filter { !view.isBundleOnly($0) }
                let candidates = others.isEmpty ? everything : others
                guard !candidates.isEmpty, key.owner(among: candidates) == nil, key.owner(among: everything) == nil
                else { continue }
                let expected = candidates.first { !$0.isAuthority } ?? candidates[0]
                add(
                    .error, .keyMismatch, expected, place: part.name,
                    "the key in \(part.name) (\(key.kind)) belongs to no certificate here; "
                        + "\(expected.label) has another \(expected.key.text) key",
                    remedy: "use the key that the certificate was requested with, or have a new one issued")
            }
        }
    }

    // MARK: Chains

    /// Leaf first, then each certificate before its issuer.
    private mutating func checkOrder(_ part: CertificatePart) {
        var members: Set<ParsedCertificate> = []
        let unique = part.certificates.filter { members.insert($0).inserted }
        guard unique.count > 1 else { return }
        let issuers = Set(
            unique.flatMap { certificate in
                view.graph.issuers(of: certificate, now: view.options.now).filter { $0 != certificate }
            }
        ).intersection(members)
        // A list of roots, or of leaves, is no chain.
        guard !issuers.isEmpty else { return }
        let starts = unique.filter { !issuers.contains($0) }
        guard let start = starts.first(where: { !$0.isAuthority }) ?? (starts.count == 1 ? starts[0] : nil) else {
            return
        }
        let chain = view.chain(from: start).filter { members.contains($0) }
        let rest = unique.filter { !chain.contains($0) }
        let order = unique.filter { chain.contains($0) }
        if order != chain {
            let numbers = chain.compactMap { unique.firstIndex(of: $0) }.map { "\($0 + 1)" }.joined(separator: ", ")
            add(
                .error, .chainOrder, start, place: part.name,
                "the chain in \(part.name) is out of order; peers with TLS 1.2 refuse it",
                remedy:
                    "put the leaf first and each issuer behind what it issued (\(numbers)); --output pem prints it so")
        }
        for certificate in rest where !starts.contains(certificate) || certificate.isAuthority {
            add(
                .warning, .unrelated, certificate, "belongs to no chain of \(part.name)",
                remedy: "remove it; every handshake carries it")
        }
    }

    private mutating func checkPaths() {
        if view.subject.endpoint != nil {
            for certificate in view.certificates
            where view.graph.isSelfSigned(certificate) && view.certificates.count > 1 {
                add(
                    .warning, .rootSent, certificate, "the server sends its root along, which no peer relies on",
                    remedy: "send the leaf and the intermediates only")
            }
        }
        guard !view.bundle.isEmpty else { return }
        for start in view.judged {
            let verdict = view.verdict(start)
            verdicts.append(verdict)
            guard verdict.trusted else {
                guard !isTold(verdict) else { continue }
                let who = verdict.failing == start.label ? "" : "\(verdict.failing ?? "?") "
                add(
                    .error, .untrusted, start,
                    "does not verify (\(verdict.rule?.rawValue ?? "?")): \(who)\(verdict.reason)",
                    remedy: verdict.remedy ?? "")
                continue
            }
            checkSentAlong(start)
        }
    }

    /// Whether a finding about the failing certificate says the same already.
    private func isTold(_ verdict: TrustVerdict) -> Bool {
        let checks: [CertificateFinding.Check] =
            switch verdict.rule {
            case .expired?: [.expired, .rootExpired]
            case .notYetValid?: [.notYetValid]
            case .revoked?: [.revoked]
            case .weakKey?: [.weakKey]
            case .weakSignature?: [.weakSignature]
            case .malformed?: [.malformedExtension]
            case .criticalExtension?: [.unknownCriticalExtension]
            case .notAnAuthority?: [.issuerIsNoAuthority]
            case .extendedKeyUsage?: [.missingClientUsage, .missingServerUsage]
            default: []
            }
        return findings.contains { checks.contains($0.check) && $0.certificate == verdict.failing }
    }

    /// What verifies with the help of other parts only will not verify for a peer.
    private mutating func checkSentAlong(_ start: ParsedCertificate) {
        guard !start.isAuthority else { return }
        for part in view.subject.set.parts where part.purpose == .chain && part.certificates.contains(start) {
            guard !view.verdict(start, helpers: part.certificates).trusted else { continue }
            let chain = view.chain(from: start)
            let missing = chain.first { !part.certificates.contains($0) } ?? start
            add(
                .error, .intermediateMissing, start, place: part.name,
                "its intermediate \(missing.label) is in \(view.place(missing)), but not in \(part.name), which is what peers get",
                remedy: "append it to \(part.name)")
        }
    }

    // MARK: Names of servers

    private mutating func checkName() {
        guard let expected = view.subject.expectedName, let leaf = view.subject.set.certificates.first else { return }
        let names = leaf.names.filter { $0.kind == .dns || $0.kind == .ip }
        // Peers of a mesh look at the identity, not at a name.
        if names.isEmpty, leaf.isWorkload { return }
        guard !names.contains(where: { ServerName.matches($0, expected) }) else { return }
        let list = names.prefix(8).map(\.text).joined(separator: ", ")
        add(
            .error, .nameMismatch, leaf,
            "is not for \(PrintableText.of(expected)); its names are: \(list.isEmpty ? "none" : list)",
            remedy: "connect by one of its names (--server-name), or have it issued with this one")
    }
}

/// Whether a certificate's name is that of a server. Source: RFC 9525 section 6.3.
enum ServerName {
    static func matches(_ name: AlternativeName, _ expected: String) -> Bool {
        let (pattern, host) = (name.raw.lowercased(), expected.lowercased())
        if name.kind == .ip { return pattern == host }
        if pattern == host { return true }
        guard pattern.hasPrefix("*."), let dot = host.firstIndex(of: "."), dot != host.startIndex else { return false }
        return host[dot...] == pattern.dropFirst()
    }
}
