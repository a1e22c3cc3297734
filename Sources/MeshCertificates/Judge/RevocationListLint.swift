import MeshCore

/// Finds what is wrong with revocation lists.
struct RevocationListLint {
    struct Mistake {
        let severity: CertificateFinding.Severity
        let check: CertificateFinding.Check
        let place: String
        let message: String
        let remedy: String
    }

    private let register: RevocationRegister
    private let authorities: [ParsedCertificate]
    private let now: Int64

    /// - Parameter authorities: whose lists can be verified.
    init(_ register: RevocationRegister, among authorities: [ParsedCertificate], now: Int64) {
        self.register = register
        self.authorities = authorities
        self.now = now
    }

    func mistakes(_ index: Int) -> [Mistake] {
        let (list, place) = (register.lists[index].list, register.lists[index].place)
        var mistakes: [Mistake] = []
        if let obstacle = register.obstacle(index, among: authorities) {
            mistakes.append(
                Mistake(
                    severity: .warning, check: .revocationListUnverified, place: place,
                    message: "the revocation list \(obstacle), so it counts for nothing",
                    remedy: "give the certificate of its issuer too (--root), or fetch the list anew"))
        }
        let time: String? =
            if let next = list.nextUpdate, next < now {
                "was to be replaced by \(Timestamp.text(seconds: next)), \(Span.text(now - next)) ago"
            } else if list.thisUpdate > now {
                "is of \(Timestamp.text(seconds: list.thisUpdate)), in \(Span.text(list.thisUpdate - now))"
            } else {
                nil
            }
        if let time {
            mistakes.append(
                Mistake(
                    severity: .error, check: .revocationListOutOfDate, place: place,
                    message: "the revocation list of \(list.label) \(time); strict verifiers refuse every "
                        + "certificate by it, others miss what was revoked since",
                    remedy: "put a fresh one in its place (meshctl ca crl --renew), and compare the clocks"))
        }
        return mistakes
    }
}
