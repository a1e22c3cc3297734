/// One set with everything worked out that its report and its checks need.
struct SetView {
    let subject: Inspection.Subject
    let options: Inspection.Options
    let graph: IssuerGraph
    /// The lists of the set, then those that were given.
    let revocations: RevocationRegister
    /// Each certificate of the set once, in the order of the parts.
    let certificates: [ParsedCertificate]
    /// `tls.crt #1`, for each certificate.
    let places: [ParsedCertificate: [String]]
    /// Those from which chains begin: what signed nothing else in the set.
    let starts: [ParsedCertificate]
    /// The roots to judge by, and whose they are.
    let bundle: [ParsedCertificate]
    let bundleName: String?
    /// Certificates that stand in bundles of roots only.
    private let bundleOnly: Set<ParsedCertificate>

    init(_ subject: Inspection.Subject, _ options: Inspection.Options) {
        self.subject = subject
        self.options = options
        var places: [ParsedCertificate: [String]] = [:]
        var certificates: [ParsedCertificate] = []
        for part in subject.set.parts {
            for (index, certificate) in part.certificates.enumerated() {
                if places[certificate] == nil { certificates.append(certificate) }
                places[certificate, default: []].append("\(part.name) #\(index + 1)")
            }
        }
        self.certificates = certificates
        self.places = places
        let own = subject.set.parts.filter { $0.purpose == .trustBundle && !$0.certificates.isEmpty }
        bundle = options.bundle?.certificates ?? own.flatMap(\.certificates)
        bundleName = options.bundle?.name ?? (own.isEmpty ? nil : own.map(\.name).joined(separator: ", "))
        let graph = IssuerGraph(bundle + certificates)
        self.graph = graph
        revocations = RevocationRegister(subject.set.parts + options.given)
        let chained = Set(subject.set.parts.filter { $0.purpose == .chain }.flatMap(\.certificates))
        bundleOnly = Set(certificates).subtracting(chained)

        var issuers: Set<ParsedCertificate> = []
        for certificate in certificates {
            for issuer in graph.issuers(of: certificate, now: options.now) where issuer != certificate {
                issuers.insert(issuer)
            }
        }
        let candidates = certificates.filter { !issuers.contains($0) }
        // Certificates that sign one another in a ring have no first one.
        starts = candidates.isEmpty ? certificates : candidates
    }

    /// Whether it stands in bundles of roots only.
    func isBundleOnly(_ certificate: ParsedCertificate) -> Bool { bundleOnly.contains(certificate) }

    func place(_ certificate: ParsedCertificate) -> String { places[certificate]?.first ?? "" }

    func role(_ certificate: ParsedCertificate) -> CertificateRecord.Role {
        let mayIssue = certificate.isAuthority || certificate.version == 1
        if mayIssue, !certificate.isWorkload, graph.isSelfSigned(certificate) { return .root }
        return certificate.isAuthority || !starts.contains(certificate) ? .intermediate : .leaf
    }

    /// From a certificate towards a root, over what is in the set, then over the bundle.
    func chain(from start: ParsedCertificate) -> [ParsedCertificate] {
        let own = Set(certificates)
        var chain = [start]
        while let top = chain.last, !graph.isSelfSigned(top), chain.count < TrustJudge.pathLimit {
            let issuers = graph.issuers(of: top, now: options.now).filter { own.contains($0) && !chain.contains($0) }
            guard let next = issuers.first else { break }
            chain.append(next)
        }
        return chain
    }

    /// What begins a chain is judged; a root of the set's own bundle would be judged by itself.
    var judged: [ParsedCertificate] {
        options.bundle == nil ? starts.filter { !bundleOnly.contains($0) } : starts
    }

    func verdict(_ certificate: ParsedCertificate, helpers: [ParsedCertificate]? = nil) -> TrustVerdict {
        TrustJudge(
            bundle: bundle, helpers: helpers ?? certificates, graph: graph, revocations: revocations, now: options.now
        )
        .judge(certificate, for: usage(certificate))
    }

    /// How many of the lists are the set's own.
    var ownLists: Int { subject.set.parts.reduce(0) { $0 + $1.revocationLists.count } }

    /// What revokes the certificate, by a list of any that issued it.
    func revocation(of certificate: ParsedCertificate) -> RevocationRegister.Revocation? {
        for issuer in graph.issuers(of: certificate, now: options.now) where issuer != certificate {
            if let found = revocations.revocation(of: certificate, issuedBy: issuer) { return found }
        }
        return nil
    }

    func usage(_ certificate: ParsedCertificate) -> CertificateRole {
        if certificate.isWorkload { return .workload }
        return subject.endpoint == nil ? .any : .server
    }

    func report(everything: [ParsedCertificate], verdicts: [TrustVerdict]) -> SetReport {
        let numbers = Dictionary(uniqueKeysWithValues: zip(certificates, 1...))
        let records = zip(certificates, 1...).map { certificate, number in
            CertificateRecord(
                certificate, number: number, places: places[certificate] ?? [], role: role(certificate),
                now: options.now)
        }
        let keys = subject.set.parts.flatMap { part in
            part.keys.map { key in
                SetReport.Key(
                    place: part.name, kind: key.kind,
                    certificate: (key.owner(among: certificates) ?? key.owner(among: everything))?.label)
            }
        }
        return SetReport(
            name: subject.set.name, endpoint: subject.endpoint, certificates: records,
            chains: starts.map { start in chain(from: start).compactMap { numbers[$0] } }, keys: keys,
            revocationLists: revocations.lists.prefix(ownLists).map { RevocationListRecord($0, now: options.now) },
            bundle: bundle.isEmpty ? nil : bundleName,
            verdicts: verdicts)
    }
}
