package import MeshCore

/// What came of asking an external authorizer.
package enum ProviderAnswer: Sendable, Hashable {
    /// A gRPC provider that allows counts as status 200. Headers as the provider sent them.
    case answered(status: Int, headers: [LocalAnswer.Header] = [], body: String = "")
    /// No connection, or no answer in time; and what went wrong.
    case failed(String)

    package static let allowing = ProviderAnswer.answered(status: 200)
    package static let denying = ProviderAnswer.answered(status: 403)
}

/// What becomes of a request after its provider was asked.
package enum ProviderVerdict: Sendable, Hashable {
    /// Headers that are set in the request, and those that are added to the answer of the service.
    case allow(toUpstream: [LocalAnswer.Header], toDownstream: [LocalAnswer.Header], reason: String)
    case deny(LocalAnswer, reason: String)

    package var reason: String {
        switch self {
        case .allow(_, _, let reason), .deny(_, let reason): reason
        }
    }
}

extension ExtensionProvider {
    /// What an answer of this provider means for a request.
    ///
    /// Status 200 allows; 5xx counts as no answer; any other status is handed to the client with its body and the headers
    /// that are chosen for it. Without an answer the request passes where the provider has `failOpen`, and else is
    /// refused by `statusOnError`. Source: Envoy's external authorization filter, as istiod configures it.
    package func verdict(_ answer: ProviderAnswer, isGRPC: Bool) -> ProviderVerdict {
        switch answer {
        case .failed(let why): return withoutAnswer(why, isGRPC)
        case .answered(200, let headers, _):
            var (toUpstream, toDownstream) = (headers, headers)
            if case .httpAuthorizer(let http) = service {
                toUpstream = Self.chosen(headers, by: http.headersToUpstreamOnAllow)
                toDownstream = Self.chosen(headers, by: http.headersToDownstreamOnAllow)
            }
            return .allow(
                toUpstream: toUpstream, toDownstream: toDownstream, reason: "provider \(name) allows")
        case .answered(let status, let headers, let body):
            if (500...599).contains(status) { return withoutAnswer("it answers \(status)", isGRPC) }
            var chosen = headers
            if case .httpAuthorizer(let http) = service, !http.headersToDownstreamOnDeny.isEmpty {
                chosen = Self.chosen(headers, by: http.headersToDownstreamOnDeny + Self.alwaysOnDeny)
            }
            let local = LocalAnswer(
                status: status, body: body, details: "ext_authz_denied",
                headers: chosen.filter { !Self.framing.contains($0.name.lowercased()) }, isGRPC: isGRPC)
            return .deny(local, reason: "provider \(name) denies with \(status)")
        }
    }

    private func withoutAnswer(_ why: String, _ isGRPC: Bool) -> ProviderVerdict {
        let endpoint: Endpoint? =
            switch service {
            case .httpAuthorizer(let http): http.endpoint
            case .grpcAuthorizer(let grpc): grpc.endpoint
            case .other: nil
            }
        if let endpoint, endpoint.failOpen {
            return .allow(
                toUpstream: [], toDownstream: [], reason: "provider \(name) cannot be asked (\(why)), and has failOpen")
        }
        let answer = LocalAnswer(
            status: endpoint?.statusOnError ?? 403, body: "", details: "ext_authz_error", isGRPC: isGRPC)
        return .deny(answer, reason: "provider \(name) cannot be asked: \(why)")
    }

    /// Goes to the client with every refusal that has a list of headers at all.
    private static let alwaysOnDeny = ["www-authenticate", "location"]

    /// Belongs to the connection of the provider; the answer to the client has its own.
    private static let framing: Set<String> = [
        "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "host",
    ]

    private static func chosen(_ headers: [LocalAnswer.Header], by list: [String]) -> [LocalAnswer.Header] {
        let patterns = list.map { TextPattern($0.lowercased()) }
        return headers.filter { header in patterns.contains { $0.matchesFolded(header.name.utf8Span.span) } }
    }
}
