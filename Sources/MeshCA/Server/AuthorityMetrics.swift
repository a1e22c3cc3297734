import Synchronization
import X509

/// Counters of a served authority: istiod's by their names, and ours.
package final class AuthorityMetrics: Sendable {
    /// The values of istiod's label `error`.
    private enum SigningError: String, CaseIterable {
        case notReady = "CA_NOT_READY"
        case request = "CSR_ERROR"
        case lifetime = "TTL_ERROR"
        case generation = "CERT_GEN_ERROR"
    }

    private struct Counts {
        var requests = 0
        var successes = 0
        var unauthenticated = 0
        var signing: [SigningError: Int] = [:]
        var shed = 0
        var notRecorded = 0
        /// Successes by the index of the bound that they stayed under.
        var durations = Array(repeating: 0, count: AuthorityMetrics.bounds.count + 1)
        var durationSum: Duration = .zero
        var reloads = 0
        var reloadFailures = 0
    }

    private static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
    private let counts = Mutex(Counts())

    package init() {}

    func countRequest() { counts.withLock { $0.requests += 1 } }
    func countShed() { counts.withLock { $0.shed += 1 } }
    func countReload(failed: Bool) {
        counts.withLock { counts in
            if failed { counts.reloadFailures += 1 } else { counts.reloads += 1 }
        }
    }

    func countSuccess(took: Duration) {
        let seconds = took / .seconds(1)
        let index = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        counts.withLock { counts in
            counts.successes += 1
            counts.durations[index] += 1
            counts.durationSum += took
        }
    }

    func count(_ refusal: Refusal) {
        counts.withLock { counts in
            switch refusal {
            case .unauthenticated, .impersonation, .unavailable: counts.unauthenticated += 1
            case .overloaded: break
            case .notRecorded: counts.notRecorded += 1
            case .issue(.signingRequest): counts.signing[.request, default: 0] += 1
            case .issue(.lifetime): counts.signing[.lifetime, default: 0] += 1
            case .issue(.notYetValid): counts.signing[.notReady, default: 0] += 1
            case .issue(.expired), .issue(.signing): counts.signing[.generation, default: 0] += 1
            }
        }
    }

    /// The Prometheus text format, version 0.0.4.
    package func text(_ authority: CertificateAuthority, inFlight: Int, audited: UInt64?, now: Int64) -> String {
        let counts = counts.withLock { $0 }
        var page = MetricsText()
        page.add("citadel_server_csr_count", "counter", "Signing requests received.", counts.requests)
        page.add(
            "citadel_server_authentication_failure_count", "counter", "Requests of callers that are not authorized.",
            counts.unauthenticated)
        page.head("citadel_server_csr_sign_err_count", "counter", "Requests that could not be signed.")
        for error in SigningError.allCases {
            page.value("citadel_server_csr_sign_err_count{error=\"\(error.rawValue)\"}", counts.signing[error] ?? 0)
        }
        page.add(
            "citadel_server_success_cert_issuance_count", "counter", "Certificates issued.", counts.successes)
        if let root = authority.material.roots.first {
            page.expiry("citadel_server_root_cert", "the first root", root, now: now)
        }
        if let first = authority.material.chain.first {
            page.expiry("citadel_server_cert_chain", "the first certificate of the chain", first, now: now)
        }
        page.expiry("meshctl_ca_signing_cert", "the signing certificate", authority.material.signing, now: now)
        page.add("meshctl_ca_requests_in_flight", "gauge", "Requests that are worked on now.", inFlight)
        page.add("meshctl_ca_requests_shed_total", "counter", "Requests refused for want of room or rate.", counts.shed)
        page.add(
            "meshctl_ca_requests_not_recorded_total", "counter", "Requests refused since the audit log failed.",
            counts.notRecorded)
        page.add("meshctl_ca_reloads_total", "counter", "Times that changed files were taken over.", counts.reloads)
        page.add(
            "meshctl_ca_reload_failures_total", "counter", "Times that changed files were not usable.",
            counts.reloadFailures)
        page.add("meshctl_ca_roots", "gauge", "Roots in the bundle.", authority.material.roots.count)
        if let audited { page.add("meshctl_ca_audit_records", "gauge", "Number of the last audit record.", audited) }
        durations(counts, on: &page)
        return page.text
    }

    private func durations(_ counts: Counts, on page: inout MetricsText) {
        let name = "meshctl_ca_issuance_duration_seconds"
        page.head(name, "histogram", "From a request to its certificate.")
        var sum = 0
        for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], counts.durations) {
            sum += count
            page.value("\(name)_bucket{le=\"\(bound)\"}", sum)
        }
        page.value("\(name)_sum", counts.durationSum / .seconds(1))
        page.value("\(name)_count", sum)
    }
}

private struct MetricsText {
    private(set) var text = ""

    mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func value(_ name: String, _ value: some CustomStringConvertible) { text += "\(name) \(value)\n" }

    mutating func add(_ name: String, _ type: String, _ help: String, _ value: some CustomStringConvertible) {
        head(name, type, help)
        self.value(name, value)
    }

    /// Negative seconds once it has passed, as istiod shows them.
    mutating func expiry(_ name: String, _ what: String, _ certificate: Certificate, now: Int64) {
        let end = UnixTime.seconds(certificate.notValidAfter)
        add("\(name)_expiry_timestamp", "gauge", "When \(what) ends, in seconds since 1970.", end)
        add("\(name)_expiry_seconds", "gauge", "Seconds until \(what) ends.", end - now)
    }
}
