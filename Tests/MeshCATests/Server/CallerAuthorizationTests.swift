import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import MeshCA
import MeshCore
import Testing
import X509

/// What stands between whoever decides about callers and the key.
@Suite("An authorization of callers")
struct CallerAuthorizationTests {
    func ask(
        _ authorization: ScriptedAuthorization, for impersonated: String? = nil, log: RecordedLog = RecordedLog()
    ) async throws -> IstioCertificateResponse {
        let issuance = CertificateIssuance(
            slot: AuthoritySlot(try .test()), callers: authorization, clock: ManualClock(), logger: log.logger)
        var credentials = PresentedCredentials()
        credentials.authorization = ["Basic x", "Bearer secret"]
        credentials.peer = "ipv4:127.0.0.1:7"
        let request = IstioCertificateRequest(
            csr: try signingRequest(), validityDuration: 0, impersonatedIdentity: impersonated)
        return try await issuance.create(request, by: credentials)
    }

    @Test("gets the request's words as they came, and one reading of the clock")
    func question() async throws {
        let authorization = ScriptedAuthorization("node", try identity("a", "b"))
        _ = try await ask(authorization, for: " not,an identity\n")
        let question = try #require(authorization.questions.first)
        #expect(question.impersonated == " not,an identity\n")
        #expect(question.now == ManualClock.start)
        #expect(question.credentials.bearerToken == "secret")
        #expect(question.credentials.peer == "ipv4:127.0.0.1:7")
    }

    @Test("decides all names of the certificate, in order (C54)")
    func severalNames() async throws {
        let ids = [try identity("b", "z"), try identity("a", "y")]
        let reply = try await ask(ScriptedAuthorization(.success(CallerGrant(caller: "x", identities: ids))))
        let leaf = try #require(try PEM.certificates(reply.certChain.first ?? "").first)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(Array(names) == ids.map { .uniformResourceIdentifier("\($0)") })
    }

    @Test("cannot grant nothing, nor an identity of another trust domain, whoever wrote it (C11, C49)")
    func lastLook() async throws {
        for ids in [[], [try identity("a", "b"), try identity("a", "b", "other.local")]] {
            let log = RecordedLog()
            let authorization = ScriptedAuthorization(.success(CallerGrant(caller: "x", identities: ids)))
            let error = await #expect(throws: Refusal.self) { try await ask(authorization, log: log) }
            #expect(error?.status.code == .unauthenticated)
            #expect(log.lines.last?.metadata["reason"]?.contains("not identities of cluster.local") == true)
        }
    }

    @Test("has its reason in the log and not in the answer")
    func opaque() async throws {
        let refusals: [(Refusal, String)] = [
            (.unauthenticated(reason: "token expired"), "request authenticate failure"),
            (
                .impersonation(reason: "no pod on node n1", caller: "ztunnel"),
                "request impersonation authentication failure"
            ),
        ]
        for (refusal, message) in refusals {
            let log = RecordedLog()
            let authorization = ScriptedAuthorization(.failure(refusal))
            let error = await #expect(throws: Refusal.self) { try await ask(authorization, log: log) }
            #expect(error?.status.message == message)
            #expect(log.lines.last?.metadata["reason"] == refusal.reason)
            #expect(log.lines.last?.metadata["caller.name"] == (refusal.caller.isEmpty ? nil : "ztunnel"))
        }
    }

    @Test("is told a cluster only when exactly one is named, and asked to reload with the server")
    func clusters() async throws {
        let authorization = ScriptedAuthorization("node", try identity("a", "b"))
        try await ServedAuthority.serving(authorization: authorization) { served in
            for clusters in [[], ["east"], ["east", "west"]] { try await call(served, clusters) }
            #expect(authorization.questions.map(\.credentials.clusterID) == ["", "east", ""])
            served.events.yield(.reload)
            // Events are followed in order, so the stop comes after the reload.
        }
        #expect(authorization.reloads == 1)
    }

    private func call(_ served: ServedAuthority, _ clusters: [String]) async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: Int(served.address.port)),
            transportSecurity: .tls { tls in
                tls.trustRoots = .certificates([.bytes(Array(served.authority.material.rootPEM.utf8), format: .pem)])
            },
            config: .defaults { $0.http2.authority = "localhost" }, eventLoopGroup: ControlEventLoop.group)
        let csr = try signingRequest()
        try await withGRPCClient(transport: transport) { client in
            var metadata: Metadata = [:]
            for cluster in clusters { metadata.addString(cluster, forKey: "clusterid") }
            _ = try await client.unary(
                request: ClientRequest(
                    message: IstioCertificateRequest(csr: csr, validityDuration: 0, impersonatedIdentity: nil),
                    metadata: metadata),
                descriptor: CreateCertificateMethod.descriptor,
                serializer: ProtobufSerializer<IstioCertificateRequest>(),
                deserializer: ProtobufDeserializer<IstioCertificateResponse>(), options: .defaults
            ) { response in try response.message }
        }
    }
}
