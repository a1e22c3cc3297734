import MeshCore
import MeshPolicy
import Testing

/// What becomes of a request after its external authorizer was asked. Numbers are those of the policy reference.
@Suite("Answers of providers")
struct ProviderAnswerTests {
    private func http(
        _ change: (inout ExtensionProvider.HTTPAuthorizer) -> Void = { _ in }
    ) -> ExtensionProvider {
        var authorizer = ExtensionProvider.HTTPAuthorizer(endpoint: .init(service: "authz.ns", port: 80))
        change(&authorizer)
        return ExtensionProvider(name: "authz", service: .httpAuthorizer(authorizer))
    }

    private func denial(_ verdict: ProviderVerdict) -> LocalAnswer? {
        guard case .deny(let answer, _) = verdict else { return nil }
        return answer
    }

    static let redirect = ProviderAnswer.answered(
        status: 302,
        headers: [
            .init("Location", "https://login.example/"), .init("Set-Cookie", "a=b"), .init("Content-Length", "5"),
        ],
        body: "login")

    @Test("70: a redirect goes to the client with its headers and its body")
    func redirected() throws {
        let answer = try #require(denial(http().verdict(Self.redirect, isGRPC: false)))
        #expect(answer.status == 302 && answer.body == "login" && answer.details == "ext_authz_denied")
        #expect(answer.headers.map(\.name) == ["content-type", "Location", "Set-Cookie"])
        let listed = http { $0.headersToDownstreamOnDeny = ["x-*"] }
        #expect(
            denial(listed.verdict(Self.redirect, isGRPC: false))?.headers.map(\.name) == ["content-type", "Location"])
        let cookies = http { $0.headersToDownstreamOnDeny = ["set-cookie"] }
        #expect(denial(cookies.verdict(Self.redirect, isGRPC: false))?.headers.count == 3)
    }

    @Test("a denial with its own content type keeps it")
    func contentType() {
        let page = ProviderAnswer.answered(status: 401, headers: [.init("Content-Type", "text/html")], body: "<p>")
        #expect(denial(http().verdict(page, isGRPC: false))?.headers == [.init("Content-Type", "text/html")])
    }

    @Test("to gRPC a denial is 200 with a status in trailers", arguments: [(401, "16"), (403, "7"), (302, "2")])
    func grpc(status: Int, expected: String) {
        let answer = denial(http().verdict(.answered(status: status, body: "no"), isGRPC: true))
        #expect(answer?.status == 200 && answer?.body == "")
        #expect(answer?.headers.contains(.init("grpc-status", expected)) ?? false)
    }

    static let failures = [
        ProviderAnswer.failed("no answer in time"), .failed("connection refused"), .answered(status: 500),
        .answered(status: 503),
    ]

    @Test("71: a provider that cannot be asked, or answers 5xx, refuses with 403", arguments: failures)
    func failsClosed(_ answer: ProviderAnswer) {
        #expect(denial(http().verdict(answer, isGRPC: false))?.status == 403)
        #expect(denial(http().verdict(answer, isGRPC: false))?.details == "ext_authz_error")
        let other = http { $0.endpoint.statusOnError = 503 }
        #expect(denial(other.verdict(answer, isGRPC: false))?.status == 503)
        let grpc = ExtensionProvider(
            name: "authz", service: .grpcAuthorizer(.init(endpoint: .init(service: "authz.ns", port: 80))))
        #expect(denial(grpc.verdict(answer, isGRPC: false))?.status == 403)
    }

    @Test("with failOpen it lets pass, and says so", arguments: failures)
    func failsOpen(_ answer: ProviderAnswer) {
        let verdict = http { $0.endpoint.failOpen = true }.verdict(answer, isGRPC: false)
        #expect(denial(verdict) == nil)
        #expect(verdict.reason.contains("failOpen"))
    }

    @Test("failOpen does not excuse a denial", arguments: [302, 401, 403, 404, 429])
    func failOpenDenies(status: Int) {
        let verdict = http { $0.endpoint.failOpen = true }.verdict(.answered(status: status), isGRPC: false)
        #expect(denial(verdict)?.status == status)
    }

    @Test("an answer that allows hands on the headers that are listed, and no others")
    func allows() {
        let answer = ProviderAnswer.answered(status: 200, headers: [.init("X-User", "u"), .init("Set-Cookie", "c")])
        let listed = http {
            $0.headersToUpstreamOnAllow = ["x-user"]
            $0.headersToDownstreamOnAllow = ["*cookie"]
        }
        #expect(
            listed.verdict(answer, isGRPC: false)
                == .allow(
                    toUpstream: [.init("X-User", "u")], toDownstream: [.init("Set-Cookie", "c")],
                    reason: "provider authz allows"))
        guard case .allow([], [], _) = http().verdict(answer, isGRPC: false) else {
            Issue.record("headers were handed on that nobody asked for")
            return
        }
    }

    @Test("another success than 200 denies", arguments: [201, 204])
    func otherSuccess(status: Int) {
        #expect(denial(http().verdict(.answered(status: status), isGRPC: false))?.status == status)
    }
}
