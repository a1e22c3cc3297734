/// When to ask again, given how it went. Pure.
package struct RenewalSchedule: Sendable {
    private var failures = 0

    /// Pause after the first failure; doubled with each further one.
    package static let firstPause: Duration = .seconds(1)
    package static let longestPause: Duration = .seconds(150)
    /// Shortest time between a success and the next request, however short-lived the certificate is.
    package static let shortestLife: Duration = .seconds(5)

    package init() {}

    /// Half of the way from the beginning of validity to its end.
    package mutating func succeeded(_ certificate: IssuedCertificate, now: Duration) -> Duration {
        failures = 0
        let half = certificate.notBefore + (certificate.notAfter - certificate.notBefore) / 2
        return max(.seconds(half), now + Self.shortestLife)
    }

    /// The pause, spread by `jitter`; a certificate that is held brings the next try forward to its end.
    /// - Parameter jitter: in -1...1, for minus to plus 20 percent.
    package mutating func failed(holding certificate: IssuedCertificate?, now: Duration, jitter: Double) -> Duration {
        // 2^8 s is beyond the longest pause already.
        let pause = min(Self.firstPause * (1 << min(failures, 8)), Self.longestPause)
        failures += 1
        let next = now + min(pause * (1 + 0.2 * jitter), Self.longestPause)
        guard let end = certificate.map({ Duration.seconds($0.notAfter) }), end > now else { return next }
        return min(next, end)
    }
}
