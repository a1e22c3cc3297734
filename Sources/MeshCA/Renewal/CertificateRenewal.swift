package import Logging
package import MeshCore

/// Keeps one identity's certificate fresh for as long as its task runs.
///
/// A first fetch, then renewal at half of the certificate's life. After a failure it tries again with growing pauses;
/// what it has stays available until it expires.
package struct CertificateRenewal: Sendable {
    package enum State: Sendable, Hashable {
        case available(IssuedCertificate)
        case unavailable(CertificateError)
    }

    private let source: any CertificateSource
    private let identity: SPIFFEID
    private let ttl: Duration
    private let impersonate: Bool
    private let clock: any WallClock
    private let jitter: @Sendable () -> Double
    private let logger: Logger

    /// - Parameters:
    ///   - ttl: asked for each time.
    ///   - jitter: a number in -1...1 for each pause; random unless a test decides it.
    package init(
        source: any CertificateSource, identity: SPIFFEID, ttl: Duration = .seconds(24 * 3600),
        impersonate: Bool, clock: any WallClock = SystemWallClock(), logger: Logger,
        jitter: @Sendable @escaping () -> Double = { Double.random(in: -1...1) }
    ) {
        self.source = source
        self.identity = identity
        self.ttl = ttl
        self.impersonate = impersonate
        self.clock = clock
        self.logger = logger
        self.jitter = jitter
    }

    /// Publishes every change until the task is cancelled. The first state comes with the first answer.
    package func run(publish: @Sendable (State) async -> Void) async {
        var schedule = RenewalSchedule()
        var held: IssuedCertificate?
        while !Task.isCancelled {
            let next: Duration
            do {
                let certificate = try await source.issue(identity: identity, ttl: ttl, impersonate: impersonate)
                held = certificate
                next = schedule.succeeded(certificate, now: clock.now)
                logger.info("certificate available", metadata: facts(certificate))
                await publish(.available(certificate))
            } catch .cancelled {
                return
            } catch {
                let now = clock.now
                if let certificate = held, .seconds(certificate.notAfter) <= now { held = nil }
                next = schedule.failed(holding: held, now: now, jitter: jitter())
                report(error, holding: held, retryIn: next - now)
                if held == nil { await publish(.unavailable(error)) }
            }
            do { try await clock.sleep(until: next) } catch { return }
        }
    }

    private func facts(_ certificate: IssuedCertificate) -> Logger.Metadata {
        [
            LogKey.identity: "\(identity)", LogKey.serial: "\(certificate.serial)",
            LogKey.notAfter: "\(UnixTime.text(certificate.notAfter))",
        ]
    }

    private func report(_ error: CertificateError, holding: IssuedCertificate?, retryIn: Duration) {
        let metadata: Logger.Metadata = [
            LogKey.identity: "\(identity)", LogKey.reason: "\(error)",
            LogKey.retryIn: "\(retryIn.components.seconds)s",
        ]
        if holding == nil {
            logger.error("certificate unavailable", metadata: metadata)
        } else {
            logger.warning("certificate not renewed, the earlier one stays", metadata: metadata)
        }
    }
}
