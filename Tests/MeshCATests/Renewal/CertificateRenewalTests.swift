import Logging
import MeshCA
import MeshCore
import Synchronization
import Testing

@Suite("When to renew")
struct RenewalScheduleTests {
    static func certificate(_ notBefore: Int64, _ notAfter: Int64) throws -> IssuedCertificate {
        IssuedCertificate(
            identity: try identity("a", "b"), certificateChainPEM: "", privateKeyPEM: "key", trustBundlePEM: "",
            notBefore: notBefore, notAfter: notAfter, serial: "01")
    }

    @Test(
        "at half of the life, but not at once",
        arguments: [
            (0, 100, 10, 50), (0, 100, 49, 54), (0, 100, 90, 95), (100, 200, 10, 150),
        ] as [(Int64, Int64, Int64, Int64)])
    func halfLife(notBefore: Int64, notAfter: Int64, now: Int64, next: Int64) throws {
        var schedule = RenewalSchedule()
        let certificate = try Self.certificate(notBefore, notAfter)
        #expect(schedule.succeeded(certificate, now: .seconds(now)) == .seconds(next))
    }

    @Test("after failures with doubled pauses up to a limit, and from the start after a success")
    func pauses() throws {
        var schedule = RenewalSchedule()
        let pauses = (0..<12).map { _ in schedule.failed(holding: nil, now: .zero, jitter: 0).components.seconds }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150, 150])
        _ = schedule.succeeded(try Self.certificate(0, 100), now: .zero)
        #expect(schedule.failed(holding: nil, now: .zero, jitter: 0) == .seconds(1))
    }

    @Test(
        "spread by a fifth either way, never beyond the limit",
        arguments: [
            (-1.0, Duration.milliseconds(800)), (1.0, .milliseconds(1200)),
        ])
    func jitter(jitter: Double, pause: Duration) {
        var schedule = RenewalSchedule()
        #expect(schedule.failed(holding: nil, now: .zero, jitter: jitter) == pause)
        for _ in 0..<20 { #expect(schedule.failed(holding: nil, now: .zero, jitter: jitter) <= .seconds(150)) }
    }

    @Test("no later than the end of what is held")
    func expiry() throws {
        var schedule = RenewalSchedule()
        for _ in 0..<10 { _ = schedule.failed(holding: nil, now: .zero, jitter: 0) }
        let held = try Self.certificate(0, 100)
        #expect(schedule.failed(holding: held, now: .seconds(90), jitter: 0) == .seconds(100))
        #expect(schedule.failed(holding: held, now: .seconds(100), jitter: 0) == .seconds(250))
    }
}

@Suite("Renewal")
struct CertificateRenewalTests {
    /// Answers in order; the last one again and again.
    final class Script: CertificateSource {
        private let answers: Mutex<[Result<IssuedCertificate, CertificateError>]>

        init(_ answers: [Result<IssuedCertificate, CertificateError>]) { self.answers = Mutex(answers) }

        func issue(
            identity: SPIFFEID, ttl: Duration, impersonate: Bool
        ) async throws(CertificateError) -> IssuedCertificate {
            try answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }.get()
        }
    }

    final class States: Sendable {
        private let kept = Mutex<[CertificateRenewal.State]>([])
        var all: [CertificateRenewal.State] { kept.withLock { $0 } }
        func append(_ state: CertificateRenewal.State) { kept.withLock { $0.append(state) } }
    }

    static let failure = CertificateError.timeout(endpoint: "https://ca:15012", seconds: 10)

    /// Plays the script, moving the clock to each deadline in turn; gives the states and the deadlines.
    func play(
        _ answers: [Result<IssuedCertificate, CertificateError>], sleeps: Int
    ) async throws -> (states: [CertificateRenewal.State], sleeps: [Int64], log: RecordedLog) {
        let clock = ManualClock(.zero)
        let log = RecordedLog()
        let states = States()
        let renewal = CertificateRenewal(
            source: Script(answers), identity: try identity("a", "b"), impersonate: true, clock: clock,
            logger: log.logger, jitter: { 0 })
        let deadlines = await withTaskGroup(of: Void.self) { group in
            group.addTask { await renewal.run { states.append($0) } }
            var seen: [Int64] = []
            for await deadline in clock.sleeps {
                seen.append(deadline.components.seconds)
                if seen.count == sleeps { break }
                clock.set(deadline)
            }
            group.cancelAll()
            return seen
        }
        return (states.all, deadlines, log)
    }

    @Test("fetches, then fetches again at half life")
    func renews() async throws {
        let first = try RenewalScheduleTests.certificate(0, 100)
        let second = try RenewalScheduleTests.certificate(50, 150)
        let played = try await play([.success(first), .success(second)], sleeps: 2)
        #expect(played.states == [.available(first), .available(second)])
        #expect(played.sleeps == [50, 100])
    }

    @Test("is unavailable at once when the first fetch fails, until one succeeds")
    func firstFails() async throws {
        let good = try RenewalScheduleTests.certificate(0, 100)
        let played = try await play([.failure(Self.failure), .failure(Self.failure), .success(good)], sleeps: 3)
        #expect(played.states == [.unavailable(Self.failure), .unavailable(Self.failure), .available(good)])
        #expect(played.sleeps == [1, 3, 50])
    }

    @Test("keeps what it has until that expires, then says so")
    func keeps() async throws {
        let good = try RenewalScheduleTests.certificate(0, 60)
        let played = try await play([.success(good), .failure(Self.failure)], sleeps: 7)
        // 30, then pauses of 1, 2, 4, 8 and 16 s, cut short at 60 s.
        #expect(played.sleeps == [30, 31, 33, 37, 45, 60, 92])
        #expect(played.states == [.available(good), .unavailable(Self.failure)])
        #expect(played.log.lines.filter { $0.level == .warning }.count == 5)
        #expect(played.log.lines.filter { $0.level == .error }.count == 1)
        #expect(!played.log.text.contains("key"))
    }
}
