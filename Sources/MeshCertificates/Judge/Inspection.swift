package import MeshCore

/// Looks at sets of certificates as a peer, a mesh and a careful person would.
package struct Inspection {
    package struct Options: Sendable {
        /// Seconds since 1970.
        package var now: Int64
        /// Roots to judge by. `nil` leaves each set to the bundle that it brings along.
        package var bundle: CertificatePart?
        /// Revocation lists that count besides those of each set.
        package var revocations: [CertificatePart] = []
        /// The mesh's; identities of others are mistakes.
        package var trustDomain: TrustDomain?
        /// Report what ends within this many seconds.
        package var expiresIn: Int64?

        package init(now: Int64) { self.now = now }

        /// Parts whose revocation lists count for every set.
        var given: [CertificatePart] { revocations + (bundle.map { [$0] } ?? []) }
    }

    /// A set, and what a handshake said where it comes from one.
    package struct Subject: Sendable {
        package let set: CertificateSet
        package let endpoint: EndpointFacts?
        /// The name that the server's certificate must have; `nil` where identities count instead.
        package let expectedName: String?

        package init(_ set: CertificateSet, endpoint: EndpointFacts? = nil, expectedName: String? = nil) {
            self.set = set
            self.endpoint = endpoint
            self.expectedName = expectedName
        }
    }

    private let options: Options

    package init(_ options: Options) { self.options = options }

    package func report(_ subjects: [Subject]) -> InspectionReport {
        let everything = subjects.flatMap(\.set.certificates)
        var (sets, findings) = ([SetReport](), [CertificateFinding]())
        var expiring: [(Int64, InspectionReport.Expiring)] = []
        if let bundle = options.bundle {
            var linter = SetLinter(
                SetView(Subject(CertificateSet(name: bundle.name, parts: [bundle])), options), everything: everything)
            linter.checkBundle()
            findings += linter.findings
        }
        for subject in subjects {
            let view = SetView(subject, options)
            var linter = SetLinter(view, everything: everything)
            linter.check()
            findings += linter.findings
            let report = view.report(everything: everything, verdicts: linter.verdicts)
            sets.append(report)
            expiring += ending(view, report)
        }
        findings += listFindings(authorities: (options.bundle?.certificates ?? []) + everything)
        let verdicts = sets.flatMap(\.verdicts)
        let errors = findings.count { $0.severity == .error }
        return InspectionReport(
            at: Timestamp.text(seconds: options.now), sets: sets, revocationLists: givenLists, findings: findings,
            errors: errors, warnings: findings.count - errors,
            trusted: verdicts.isEmpty ? nil : verdicts.allSatisfy(\.trusted),
            expiring: options.expiresIn == nil ? nil : expiring.sorted { $0.0 < $1.0 }.map(\.1))
    }

    private var givenLists: [RevocationListRecord]? {
        let lists = RevocationRegister(options.given).lists
        return lists.isEmpty ? nil : lists.map { RevocationListRecord($0, now: options.now) }
    }

    /// Of the lists that were given: once, whatever sets they are for.
    private func listFindings(authorities: [ParsedCertificate]) -> [CertificateFinding] {
        let register = RevocationRegister(options.given)
        let lint = RevocationListLint(register, among: authorities, now: options.now)
        let unread = options.revocations.flatMap { part in
            part.problems.map { problem in
                CertificateFinding(
                    severity: .error, check: .unreadable, set: "", place: part.name, certificate: nil, message: problem,
                    remedy: "replace or remove it")
            }
        }
        return unread
            + register.lists.indices.flatMap { lint.mistakes($0) }.map { mistake in
                CertificateFinding(
                    severity: mistake.severity, check: mistake.check, set: "", place: mistake.place, certificate: nil,
                    message: mistake.message, remedy: mistake.remedy)
            }
    }

    private func ending(_ view: SetView, _ report: SetReport) -> [(Int64, InspectionReport.Expiring)] {
        guard let limit = options.expiresIn else { return [] }
        return zip(view.certificates, report.certificates).compactMap { certificate, record in
            guard record.secondsLeft < limit else { return nil }
            return (
                certificate.notAfter,
                InspectionReport.Expiring(
                    set: report.name, certificate: certificate.label, notAfter: record.notAfter,
                    secondsLeft: record.secondsLeft, timeLeft: record.timeLeft)
            )
        }
    }
}
