import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshTokens

extension PolicyJudge {
    /// Puts the token of a request where the policies look for one, and says where.
    static func placeToken(in request: inout FlowRequest, _ policies: [RequestAuthentication]) -> String? {
        guard let token = request.token else { return nil }
        request.token = nil
        let rules = policies.flatMap(\.rules)
        let issuer = (try? JSONWebToken(parsing: Array(token.utf8)))?.issuer
        let rule = rules.first { $0.issuer == issuer } ?? rules.first { $0.issuer.isEmpty } ?? rules.first
        if let header = rule?.fromHeaders.first {
            request.headers.append((header.name, header.prefix + token))
            return "the token is sent in header \(header.name)"
        }
        if let name = rule?.fromParameters.first {
            request.path += (request.path.contains("?") ? "&" : "?") + "\(name)=\(token)"
            return "the token is sent in parameter \(name)"
        }
        if let name = rule?.fromCookies.first {
            request.headers.append(("cookie", "\(name)=\(token)"))
            return "the token is sent in cookie \(name)"
        }
        request.headers.append(("authorization", "Bearer \(token)"))
        return "the token is sent in header authorization"
    }

    /// Looks at the tokens of a request, and gives what is true of it afterwards.
    func authenticate(
        _ request: FlowRequest, _ policies: [RequestAuthentication], _ facts: inout RequestFacts
    ) -> (refusal: RequestRefusal?, notes: [String]) {
        if let claims = request.claims { return assume(claims, policies.flatMap(\.rules), request, &facts) }
        if policies.isEmpty {
            let carries = facts.headers.contains { $0.name.elementsEqual("authorization".utf8) }
            return (nil, carries ? ["no RequestAuthentication holds here, so tokens count for nothing"] : [])
        }
        let rules = TokenRules(policies, remoteKeys: tokens.keys)
        let seen = TokenRequest(
            method: facts.method, host: facts.host, target: facts.target, headers: facts.headers)
        var notes = rules.problems.map { "the keys of issuer \($0.rule.issuer) are of no use: \($0.problem)" }
        switch rules.authenticate(seen, now: tokens.now) {
        case .pass(let claims, let changes):
            if let claims {
                facts.claims = claims
                notes.append("the token of issuer \(Self.text(claims["iss"])) is valid; its signature was verified")
            }
            changes.apply(to: &facts.headers, target: &facts.target)
            return (nil, notes)
        case .refuse(.keysUnavailable):
            guard let (token, rule) = rules.unverified(seen, now: tokens.now) else { break }
            if let source = KeySource(rule), let why = tokens.failures[source] {
                let failure = TokenFailure.keysUnavailable
                notes.append("the keys of issuer \(token.issuer) could not be fetched: \(why)")
                return (RequestRefusal(failure.answer(url: seen.url, isGRPC: seen.isGRPC), failure.description), notes)
            }
            facts.claims = TokenClaims(token.claims, spaceDelimited: rule.spaceDelimitedClaims)
            notes.append(
                "the token is in order but for its signature, which was not verified: the keys of issuer "
                    + "\(token.issuer) are not at hand; give them by --jwks, or say --fetch-keys")
            return (nil, notes)
        case .refuse(let failure):
            let answer = failure.answer(url: seen.url, isGRPC: seen.isGRPC)
            notes += rules.carried(seen).map { explain($0, policies.flatMap(\.rules)) }
            return (RequestRefusal(answer, failure.description), notes)
        }
        return (nil, notes)
    }

    /// What a token says of itself, next to what is wanted of it.
    private func explain(_ text: [UInt8], _ rules: [JWTRule]) -> String {
        let token: JSONWebToken
        do throws(TokenFailure) { token = try JSONWebToken(parsing: text) } catch {
            return "a token of \(text.count) bytes cannot be read: \(error)"
        }
        var parts = ["issuer \"\(token.issuer)\"", token.algorithm.rawValue]
        if let id = token.keyID { parts.append("key \"\(id)\"") }
        if !token.audiences.isEmpty { parts.append("audiences \(token.audiences.joined(separator: ", "))") }
        if token.notBefore > 0 { parts.append("from \(Timestamp.text(seconds: token.notBefore))") }
        if token.expiry > 0 { parts.append("until \(Timestamp.text(seconds: token.expiry))") }
        let wanted = rules.filter { $0.issuer.isEmpty || $0.issuer == token.issuer }
        let issuers = Set(rules.map(\.issuer)).sorted().joined(separator: ", ")
        let asked =
            wanted.isEmpty
            ? "issuers that are accepted: \(issuers)"
            : "wanted: "
                + wanted.map { rule in
                    (rule.audiences.isEmpty ? "any audience" : "audience \(rule.audiences.joined(separator: " or "))")
                        + " (\(rule.position))"
                }.joined(separator: "; ")
        return "the token says \(parts.joined(separator: ", ")); it is \(Timestamp.text(seconds: tokens.now)); \(asked)"
    }

    /// Claims that are taken to come from a valid token; issuer and audience are still compared.
    private func assume(
        _ claims: [String: ClaimValue], _ rules: [JWTRule], _ request: FlowRequest, _ facts: inout RequestFacts
    ) -> (refusal: RequestRefusal?, notes: [String]) {
        if rules.isEmpty { return (nil, ["no RequestAuthentication holds here, so the token counts for nothing"]) }
        func refuse(_ failure: TokenFailure, _ more: String = "") -> (RequestRefusal?, [String]) {
            let seen = TokenRequest(
                method: facts.method, host: facts.host, target: facts.target, headers: facts.headers)
            let answer = failure.answer(url: seen.url, isGRPC: request.isGRPC)
            return (RequestRefusal(answer, failure.description + more), [])
        }
        let issuer = Self.text(claims["iss"])
        let ours = rules.filter { $0.issuer.isEmpty || $0.issuer == issuer }
        if ours.isEmpty { return refuse(.issuer, " (\(issuer))") }
        let audiences: [String]
        switch claims["aud"] {
        case .string(let one)?: audiences = [one]
        case .list(let list)?: audiences = list.compactMap { if case .string(let text) = $0 { text } else { nil } }
        default: audiences = []
        }
        let accepting = ours.first { $0.audiences.isEmpty || !Set($0.audiences).isDisjoint(with: audiences) }
        guard let rule = accepting else { return refuse(.audience) }
        facts.claims = TokenClaims(claims, spaceDelimited: rule.spaceDelimitedClaims)
        return (nil, ["the token's signature and times are taken to be good"])
    }

    private static func text(_ claim: ClaimValue?) -> String { if case .string(let text)? = claim { text } else { "" } }
}
