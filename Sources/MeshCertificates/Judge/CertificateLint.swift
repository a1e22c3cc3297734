import MeshCore

/// Finds what is wrong with one certificate by itself.
struct CertificateLint {
    struct Mistake {
        let severity: CertificateFinding.Severity
        let check: CertificateFinding.Check
        let message: String
        let remedy: String
    }

    private(set) var mistakes: [Mistake] = []
    private let certificate: ParsedCertificate
    private let now: Int64

    /// istiod's largest lifetime of a workload's certificate is 90 days; 2 minutes are backdating.
    private static let longestLife: Int64 = 90 * 86_400 + 120

    init(_ certificate: ParsedCertificate, _ view: SetView) {
        self.certificate = certificate
        now = view.options.now
        checkTimes()
        checkNames(view.options.trustDomain, isLeaf: view.role(certificate) == .leaf)
        if certificate.isWorkload { checkWorkload() }
        checkAuthority(isIssuer: !view.starts.contains(certificate))
        report(CertificateFault.strength(of: certificate, isRoot: view.role(certificate) == .root))
        checkForm()
    }

    private mutating func error(_ check: CertificateFinding.Check, _ message: String, remedy: String) {
        mistakes.append(Mistake(severity: .error, check: check, message: message, remedy: remedy))
    }

    private mutating func warning(_ check: CertificateFinding.Check, _ message: String, remedy: String) {
        mistakes.append(Mistake(severity: .warning, check: check, message: message, remedy: remedy))
    }

    private mutating func report(_ faults: [CertificateFault]) {
        for fault in faults { error(fault.check, fault.reason, remedy: fault.remedy) }
    }

    private mutating func checkTimes() {
        if certificate.notAfter < certificate.notBefore {
            error(
                .validityReversed, "ends \(Timestamp.text(seconds: certificate.notAfter)), before it begins",
                remedy: "have it reissued; compare the clock of the authority")
        } else {
            report(CertificateFault.time(of: certificate, now: now).map { [$0] } ?? [])
        }
    }

    private mutating func checkNames(_ domain: TrustDomain?, isLeaf: Bool) {
        let names = certificate.names
        if certificate.subject.isEmpty, names.isEmpty {
            error(.noName, "has neither a subject nor an alternative name", remedy: "issue it with a SPIFFE ID")
        } else if certificate.subject.isEmpty, !certificate.extensions.namesAreCritical {
            error(
                .namesNotCritical, "has an empty subject, but its alternative names are not critical",
                remedy:
                    "issue it with a critical subject alternative name; strict verifiers refuse it (RFC 5280, 4.2.1.6)")
        }
        guard isLeaf else { return }
        if names.isEmpty, let name = certificate.subject.commonName {
            warning(
                .commonNameOnly, "has its name \(PrintableText.of(name)) in the common name alone",
                remedy: "add a subject alternative name; verifiers do not look at common names")
        }
        guard let domain else { return }
        let foreign = names.compactMap(\.spiffeID).filter { $0.trustDomain != domain }
        if let id = foreign.first {
            // Most certificates are called by their identity, and nobody needs to read it twice.
            let who = "\(id)" == certificate.label ? "is" : "has the identity \(id), which is"
            error(
                .wrongTrustDomain, "\(who) of trust domain \(id.trustDomain), not of \(domain)",
                remedy: "have it issued for \(domain), or add the other domain as an alias and its root to the bundle")
        }
        if !certificate.isWorkload {
            error(
                .noIdentity, "has no SPIFFE ID, so no peer in the mesh accepts it",
                remedy: "have it issued for spiffe://\(domain)/ns/<namespace>/sa/<service account>")
        }
    }

    private mutating func checkWorkload() {
        let uris = certificate.names.filter { $0.kind == .uri }
        for name in uris where name.claimsIdentity && name.spiffeID == nil {
            error(
                .malformedIdentity, "has a malformed identity: " + PrintableText.of("\(identityError(name.raw))"),
                remedy: "have it issued for spiffe://<trust domain>/ns/<namespace>/sa/<service account>")
        }
        if uris.count > 1 {
            error(
                .severalIdentities, "has \(uris.count) URIs, and a peer must have exactly one",
                remedy: "have it issued with one SPIFFE ID; istiod refuses more, proxies pick one of them")
        }
        if let usages = certificate.extensions.extendedKeyUsage, !usages.contains("any") {
            if !usages.contains("clientAuth") {
                error(
                    .missingClientUsage, "lacks the usage clientAuth, so servers refuse it as a client's",
                    remedy: "issue it with serverAuth and clientAuth")
            }
            if !usages.contains("serverAuth") {
                error(
                    .missingServerUsage, "lacks the usage serverAuth, so clients and istiod refuse it",
                    remedy: "issue it with serverAuth and clientAuth")
            }
        }
        if let usages = certificate.extensions.keyUsage, !usages.contains("digitalSignature") {
            error(
                .missingDigitalSignature, "lacks the key usage digitalSignature, which TLS 1.3 needs",
                remedy: "issue it with digitalSignature")
        }
        if certificate.isAuthority {
            error(
                .leafIsAuthority, "is a workload's certificate that may sign others",
                remedy: "issue it with CA:FALSE; whoever holds its key can be anybody")
        }
        let life = certificate.notAfter - certificate.notBefore
        if life > Self.longestLife {
            warning(
                .longLived, "is valid for \(Span.text(life)); a stolen key serves as long",
                remedy: "issue workload certificates for 24 h and let proxies renew them")
        }
    }

    private func identityError(_ text: String) -> IdentityError {
        do throws(IdentityError) {
            _ = try SPIFFEID(parsing: text)
        } catch {
            return error
        }
        return .form(text)
    }

    private mutating func checkAuthority(isIssuer: Bool) {
        guard isIssuer, !certificate.isAuthority, certificate.version == 3 else { return }
        error(
            .issuerIsNoAuthority, "issued another certificate here, but is no authority (CA is not true)",
            remedy: "issue by a certificate with basicConstraints CA:TRUE")
    }

    private mutating func checkForm() {
        report(CertificateFault.form(of: certificate))
        let serial = certificate.serialNumber
        let isNegative = serial[0] >= 0x80
        if serial.count > 20 || isNegative || serial.allSatisfy({ $0 == 0 }) {
            warning(
                .serialNumber, "has a serial number that is not positive and of at most 20 bytes",
                remedy: "have it reissued; some verifiers refuse it (RFC 5280, 4.1.2.2)")
        }
    }
}
