import FakeAPIServer
import Foundation
import MeshClusterAuthority
import MeshKubernetesAPI
import MeshTestSupport
import Testing

@Suite("Tokens that the API server reviews")
struct TokenReviewerTests {
    static let issuer = TestIssuer()

    /// A reviewer in front of a fresh cluster that knows one token.
    private func reviewing(
        _ status: JSONValue, limits: TokenReviewer.Limits = TokenReviewer.Limits(),
        _ body: @Sendable (TokenReviewer, FakeCluster, FakeAPIServer, String) async throws -> Void
    ) async throws {
        try await FakeCluster.serving { cluster, server, url in
            let token = try Self.issuer.token()
            cluster.review(token, says: status)
            try await withClient(url) { client in
                let reviewer = TokenReviewer(client, cluster: "here", audiences: ["istio-ca", "other"], limits: limits)
                try await body(reviewer, cluster, server, token)
            }
        }
    }

    @Test("are those of an account, with the pod and node that they are bound to (C29)")
    func accepted() async throws {
        try await reviewing(reviewStatus(node: "n1")) { reviewer, _, server, token in
            let caller = try await reviewer.caller(token, now: start)
            #expect(caller.account == ServiceAccount(namespace: "istio-system", name: "ztunnel"))
            #expect(caller.pod == .init(name: "ztunnel-1", uid: "uid-z1"))
            #expect(caller.node == .init(name: "n1", uid: nil))
            #expect(caller.cluster == "here")
            #expect(!caller.isOffline)
            let asked = try #require(JSONValue(text: server.all[0].body))
            #expect(asked["spec"]?["token"]?.text == token)
            #expect(asked["spec"]?["audiences"] == ["istio-ca", "other"])
        }
        try await reviewing(reviewStatus(pod: nil)) { reviewer, _, _, token in
            let caller = try await reviewer.caller(token, now: start)
            #expect(caller.pod == nil)
        }
    }

    static let refused: [JSONValue] = [
        [:], ["error": "boom", "authenticated": .bool(true)], ["authenticated": .bool(false)],
        reviewStatus(groups: ["system:authenticated"]), reviewStatus(groups: ["system:serviceaccounts:istio-system"]),
        reviewStatus("system:serviceaccount:ztunnel"), reviewStatus("system:serviceaccount::ztunnel"),
        reviewStatus("system:serviceaccount:istio-system:"), reviewStatus("system:serviceaccount:a:b:c"),
        reviewStatus("other:serviceaccount:istio-system:ztunnel"), reviewStatus("admin"),
        reviewStatus(audiences: nil), reviewStatus(audiences: []), reviewStatus(audiences: ["https://kubernetes"]),
    ]

    @Test("are refused for each thing that the review lacks (C28, C30)", arguments: refused)
    func refusals(status: JSONValue) async throws {
        try await reviewing(status) { reviewer, _, _, token in
            let problem = await #expect(throws: TokenProblem.self) { try await reviewer.caller(token, now: start) }
            guard case .refused? = problem else {
                Issue.record("\(String(describing: problem))")
                return
            }
        }
    }

    @Test("that are no tokens, or have ended, are not asked about")
    func notAsked() async throws {
        try await reviewing(reviewStatus()) { reviewer, _, server, _ in
            let old = try Self.issuer.token(Claims(expiry: start))
            for text in ["", "secret", "a.b.c", old, String(repeating: "x", count: 70_000)] {
                await #expect(throws: TokenProblem.self) { try await reviewer.caller(text, now: start) }
            }
            #expect(server.all.isEmpty)
        }
    }

    @Test("good answers are remembered for ten seconds, bad ones not")
    func memory() async throws {
        try await reviewing(reviewStatus()) { reviewer, cluster, server, token in
            for second in [0, 5, 9] { _ = try await reviewer.caller(token, now: start + Int64(second)) }
            #expect(server.all.count == 1)
            _ = try await reviewer.caller(token, now: start + 10)
            #expect(server.all.count == 2)
            // A clock that was set back makes no answer last longer.
            _ = try await reviewer.caller(token, now: start - 100)
            #expect(server.all.count == 3)
            cluster.review(token, says: ["authenticated": .bool(false)])
            for _ in 0..<2 {
                await #expect(throws: TokenProblem.self) { try await reviewer.caller(token, now: start + 50) }
            }
            #expect(server.all.count == 5)
        }
    }

    @Test("an answer is remembered no longer than the token lives")
    func endOfToken() async throws {
        try await reviewing(reviewStatus()) { reviewer, cluster, server, _ in
            let token = try Self.issuer.token(Claims(expiry: start + 3))
            cluster.review(token, says: reviewStatus())
            _ = try await reviewer.caller(token, now: start)
            await #expect(throws: TokenProblem.self) { try await reviewer.caller(token, now: start + 3) }
            #expect(server.all.count == 1)
        }
    }

    @Test("no more answers are remembered than the limit says")
    func bounded() async throws {
        var limits = TokenReviewer.Limits()
        limits.remembered = 2
        try await reviewing(reviewStatus(), limits: limits) { reviewer, cluster, server, _ in
            let tokens = try (1...3).map { try Self.issuer.token(Claims(expiry: start + 100 + Int64($0))) }
            for token in tokens {
                cluster.review(token, says: reviewStatus())
                _ = try await reviewer.caller(token, now: start)
            }
            _ = try await reviewer.caller(tokens[2], now: start)
            #expect(server.all.count == 3)
            _ = try await reviewer.caller(tokens[0], now: start)
            #expect(server.all.count == 4)
        }
    }

    @Test("many who ask with one token at once are one question")
    func together() async throws {
        try await reviewing(reviewStatus()) { reviewer, _, server, token in
            try await withThrowingTaskGroup(of: ServiceAccountCaller.self) { group in
                for _ in 0..<50 { group.addTask { try await reviewer.caller(token, now: start) } }
                for try await caller in group { #expect(caller.account.name == "ztunnel") }
            }
            #expect(server.all.count == 1)
        }
    }

    @Test("whoever stops waiting takes no answer away from the others")
    func cancelled() async throws {
        let (gate, open) = AsyncStream<Void>.makeStream()
        try await reviewing(reviewStatus()) { reviewer, cluster, server, token in
            let isFirst = Count()
            cluster.fail { _ in isFirst.up() == 1 ? Reply([.wait(gate)]) : nil }
            let first = Task { try await reviewer.caller(token, now: start) }
            var arrivals = server.requests.makeAsyncIterator()
            _ = await arrivals.next()
            let second = Task { try await reviewer.caller(token, now: start) }
            first.cancel()
            await #expect(throws: TokenProblem.self) { try await first.value }
            let answer = try await second.value
            #expect(answer.account.name == "ztunnel")
            open.finish()
        }
    }

    @Test("a server that does not say is no refusal, and questions are bounded")
    func unavailable() async throws {
        var limits = TokenReviewer.Limits()
        limits.questions = 1
        let (gate, open) = AsyncStream<Void>.makeStream()
        try await reviewing(reviewStatus(), limits: limits) { reviewer, cluster, server, token in
            cluster.fail { _ in .refusal(403, "Forbidden") }
            let problem = await #expect(throws: TokenProblem.self) { try await reviewer.caller(token, now: start) }
            guard case .unavailable? = problem else {
                Issue.record("\(String(describing: problem))")
                return
            }
            cluster.heal()
            cluster.fail { _ in Reply([.wait(gate)]) }
            let other = try Self.issuer.token(Claims(expiry: start + 77))
            async let stuck = try? reviewer.caller(token, now: start)
            var arrivals = server.requests.makeAsyncIterator()
            _ = await arrivals.next()
            _ = await arrivals.next()
            await #expect(throws: TokenProblem.unavailable("1 tokens are being reviewed already")) {
                try await reviewer.caller(other, now: start)
            }
            open.finish()
            _ = await stuck
        }
    }
}
