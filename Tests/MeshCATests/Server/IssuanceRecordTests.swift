import MeshCore
import MeshTestSupport
import Testing
import X509

@testable import MeshCA

/// Grants after a test opened it.
private final class Gate: CallerAuthorization {
    private let waiting = AsyncStream<Void>.makeStream()
    private let came = AsyncStream<Void>.makeStream()
    private let identity: SPIFFEID

    init(_ identity: SPIFFEID) { self.identity = identity }

    func arrived(_ count: Int) async {
        var arrivals = came.stream.makeAsyncIterator()
        for _ in 0..<count { _ = await arrivals.next() }
    }
    func open() { waiting.continuation.finish() }

    func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant {
        came.continuation.yield()
        for await _ in waiting.stream {}
        return CallerGrant(caller: "node", identities: [identity])
    }
    func reload() {}
}

@Suite("What is kept of a request")
struct IssuanceRecordTests {
    let files: AuditFiles
    let log = RecordedLog()
    let clock = ManualClock()

    init() throws { files = try AuditFiles() }

    func issuance(
        _ authorization: any CallerAuthorization, audit: AuditLog?, limits: AdmissionControl.Limits = .init(),
        store: MemoryStore? = nil
    ) throws -> CertificateIssuance {
        var issuance = CertificateIssuance(
            slot: AuthoritySlot(try .test()), callers: authorization, clock: clock, logger: log.logger)
        issuance.audit = audit
        issuance.admission = AdmissionControl(limits)
        issuance.memory = store.map {
            IssuanceMemory($0, known: AuthorityState())
        }
        return issuance
    }

    func ask(
        _ issuance: CertificateIssuance, csr: String? = nil, for identity: String? = nil, lifetime: Int64 = 0
    ) async throws -> IstioCertificateResponse {
        var credentials = PresentedCredentials()
        credentials.peer = "ipv4:10.0.0.1:7"
        credentials.authorization = ["Bearer very-secret"]
        let request = IstioCertificateRequest(
            csr: try csr ?? signingRequest(), validityDuration: lifetime, impersonatedIdentity: identity)
        return try await issuance.create(request, by: credentials)
    }

    func metrics(_ issuance: CertificateIssuance) -> [String: String] {
        let text = issuance.metrics.text(
            issuance.authority, inFlight: issuance.admission.current, audited: nil, now: clock.seconds)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
        return Dictionary(uniqueKeysWithValues: lines.map { (String($0[0]), String($0[1])) })
    }

    @Test("who asked for what from where, what it got and until when, before it leaves")
    func issued() async throws {
        let audit = try AuditLog(files.path, now: 0)
        let granted = ScriptedAuthorization("node", try identity("a", "b"))
        let reply = try await ask(issuance(granted, audit: audit), for: "spiffe://cluster.local/ns/a/sa/b")
        let leaf = try #require(try PEM.certificates(reply.certChain[0]).first)
        let line = try #require(try files.lines().first)
        for part in [
            "\"event\":\"issued\"", "\"caller\":\"node\"", "\"peer\":\"ipv4:10.0.0.1:7\"", "\"status\":\"OK\"",
            "\"identity\":\"spiffe://cluster.local/ns/a/sa/b\"",
            "\"serial\":\"\(HexText.of(leaf.serialNumber.bytes))\"",
            "\"notAfter\":\"2026-01-02T00:00:00Z\"",
        ] { #expect(line.contains(part), "\(part) in \(line)") }
    }

    @Test("the refusal with its status and its reason, and never the token")
    func refused() async throws {
        let audit = try AuditLog(files.path, now: 0)
        let refusal = Refusal.impersonation(reason: "no pod of it on node n1", caller: "ztunnel")
        let issuance = try issuance(ScriptedAuthorization(.failure(refusal)), audit: audit)
        await #expect(throws: refusal) { try await ask(issuance, for: "spiffe://cluster.local/ns/a/sa/x") }
        let line = try #require(try files.lines().first)
        for part in [
            "\"event\":\"refused\"", "\"caller\":\"ztunnel\"", "\"status\":\"UNAUTHENTICATED\"",
            "\"reason\":\"no pod of it on node n1\"", "\"identity\":\"spiffe://cluster.local/ns/a/sa/x\"",
        ] { #expect(line.contains(part), "\(part) in \(line)") }
        #expect(!line.contains("very-secret") && !log.text.contains("very-secret"))
    }

    @Test("no certificate leaves that cannot be recorded")
    func notRecorded() async throws {
        let audit = try AuditLog(files.path, now: 0)
        let issuance = try issuance(ScriptedAuthorization("node", try identity("a", "b")), audit: audit)
        _ = try run("rm", "-r", files.path)
        let error = await #expect(throws: Refusal.self) { try await ask(issuance) }
        #expect(error?.status.code == .unavailable)
        #expect(metrics(issuance)["meshctl_ca_requests_not_recorded_total"] == "1")
        #expect(metrics(issuance)["citadel_server_success_cert_issuance_count"] == "0")
    }

    @Test("no certificate leaves whose end is not remembered, and many at once remember it once")
    func notRemembered() async throws {
        let store = try MemoryStore.made()
        let issuance = try issuance(ScriptedAuthorization("node", try identity("a", "b")), audit: nil, store: store)
        store.fail(.store(directory: "memory", reason: "away"))
        let error = await #expect(throws: Refusal.self) { try await ask(issuance) }
        #expect(error?.status.code == .unavailable)
        store.fail(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await ask(issuance) } }
            try await group.waitForAll()
        }
        #expect(store.writes == 1)
        let state = try await store.load().state()
        #expect(state.horizon >= ManualClock.start + day && state.longest == day)
    }

    @Test("is nothing but a count where there is no room, and room comes back")
    func shed() async throws {
        var limits = AdmissionControl.Limits()
        limits.inFlight = 3
        let gate = Gate(try identity("a", "b"))
        let issuance = try issuance(gate, audit: AuditLog(files.path, now: 0), limits: limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { _ = try await ask(issuance) } }
            await gate.arrived(3)
            for _ in 0..<5 {
                let error = await #expect(throws: Refusal.self) { try await ask(issuance) }
                #expect(error?.status.code == .resourceExhausted)
            }
            gate.open()
            try await group.waitForAll()
        }
        _ = try await ask(issuance)
        #expect(metrics(issuance)["meshctl_ca_requests_shed_total"] == "5")
        #expect(try files.lines().count == 4)
        // One line for the flood, not one for each.
        #expect(log.lines.filter { $0.message == "requests shed" }.count == 1)
    }

    @Test("a caller that asks more often than its rate is shed, and others are not")
    func callerRate() async throws {
        var limits = AdmissionControl.Limits()
        (limits.rate, limits.burst) = (1, 2)
        let issuance = try issuance(
            ScriptedAuthorization("node", try identity("a", "b")), audit: nil, limits: limits)
        for _ in 0..<2 { _ = try await ask(issuance) }
        let error = await #expect(throws: Refusal.self) { try await ask(issuance) }
        #expect(error?.status.code == .resourceExhausted)
        clock.advance(.seconds(1))
        _ = try await ask(issuance)
    }

    static let failures: [(Refusal?, String?, Int64, String)] = [
        (nil, nil, 0, "citadel_server_success_cert_issuance_count"),
        (.unauthenticated(reason: ""), nil, 0, "citadel_server_authentication_failure_count"),
        (.impersonation(reason: "", caller: ""), nil, 0, "citadel_server_authentication_failure_count"),
        (nil, "junk", 0, "citadel_server_csr_sign_err_count{error=\"CSR_ERROR\"}"),
        (nil, nil, 91 * day, "citadel_server_csr_sign_err_count{error=\"TTL_ERROR\"}"),
    ]

    @Test("counts each outcome once, under istiod's names (C23)", arguments: failures)
    func counters(refusal: Refusal?, csr: String?, lifetime: Int64, moved: String) async throws {
        let granted = CallerGrant(caller: "node", identities: [try identity("a", "b")])
        let issuance = try issuance(
            ScriptedAuthorization(refusal.map { .failure($0) } ?? .success(granted)), audit: nil)
        let before = metrics(issuance)
        _ = try? await ask(issuance, csr: csr, lifetime: lifetime)
        let after = metrics(issuance)
        let counts = after.filter { $0.key.hasPrefix("citadel_server") && $0.value != before[$0.key] }
        #expect(counts == ["citadel_server_csr_count": "1", moved: "1"])
    }

    @Test("an authority past its end counts as a failure to generate, and shows negative seconds")
    func expired() async throws {
        let issuance = try issuance(ScriptedAuthorization("node", try identity("a", "b")), audit: nil)
        clock.advance(.seconds(366 * day))
        _ = try? await ask(issuance)
        #expect(metrics(issuance)["citadel_server_csr_sign_err_count{error=\"CERT_GEN_ERROR\"}"] == "1")
        #expect(metrics(issuance)["citadel_server_root_cert_expiry_seconds"] == "\(-day)")
    }
}
