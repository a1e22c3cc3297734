package import MeshCore
import MeshPolicy

/// What becomes of a request after its tokens were looked at.
package enum TokenOutcome: Sendable {
    /// It goes on; without claims when it has no token.
    case pass(TokenClaims?, TokenChanges)
    case refuse(TokenFailure)
}

/// The token rules of all request authentications that are attached.
///
/// Made when policies or keys change. Order of checks: form, issuer, time, audience, signature.
package struct TokenRules: Sendable {
    private struct Rule: Sendable {
        let rule: JWTRule
        /// `nil` while they cannot be had.
        let keys: KeySet?
    }

    private let rules: [Rule]
    /// Headers that only validation may set. In lower case.
    private let reserved: Set<String>
    /// Rules whose written keys are of no use, and why.
    package let problems: [(rule: JWTRule, problem: KeySet.Problem)]

    /// - Parameter remoteKeys: see `KeyStore.snapshot`.
    package init(_ policies: [RequestAuthentication], remoteKeys: [KeySource: KeySet] = [:]) {
        var (rules, reserved): ([Rule], Set<String>) = ([], [])
        var problems: [(rule: JWTRule, problem: KeySet.Problem)] = []
        let ordered = policies.flatMap(\.rules).enumerated()
            .sorted { ($0.element.issuer, $0.offset) < ($1.element.issuer, $1.offset) }
        for (_, rule) in ordered {
            var keys: KeySet?
            switch rule.keys {
            case .inline(let text):
                do { keys = try KeySet(parsing: Array(text.utf8)) } catch { problems.append((rule, error)) }
            case .remote, .discovered: keys = KeySource(rule).flatMap { remoteKeys[$0] }
            }
            rules.append(Rule(rule: rule, keys: keys))
            reserved.formUnion(rule.validatedHeaders)
        }
        (self.rules, self.reserved, self.problems) = (rules, reserved, problems)
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// Looks at the tokens of a request, at `now` (seconds since 1970).
    ///
    /// A token that is valid for any rule lets the request pass, and so does having none at any rule's places. A token
    /// at the place of some rule that is valid for none refuses it.
    package func authenticate(_ request: TokenRequest, now: Int64) -> TokenOutcome {
        var changes = TokenChanges()
        changes.removedHeaders = reserved
        if request.isPreflight { return .pass(nil, changes) }
        var failure: TokenFailure?
        for rule in rules {
            let tokens = rule.rule.tokens(in: request)
            for carried in tokens {
                do {
                    let token = try Self.validate(carried.text, rule, now)
                    Self.apply(rule.rule, token, tokens, request, &changes)
                    let claims = TokenClaims(token.claims, spaceDelimited: rule.rule.spaceDelimitedClaims)
                    return .pass(claims, changes)
                } catch {
                    // That a token is of another issuer says less than what is wrong with one of ours.
                    if failure == nil || error != .issuer { failure = error }
                }
            }
        }
        return failure.map { .refuse($0) } ?? .pass(nil, changes)
    }

    private static func validate(_ text: [UInt8], _ rule: Rule, _ now: Int64) throws(TokenFailure) -> JSONWebToken {
        let token = try JSONWebToken(parsing: text)
        let wanted = rule.rule
        guard wanted.issuer.isEmpty || token.issuer == wanted.issuer else { throw .issuer }
        try token.checkTime(now)
        guard wanted.audiences.isEmpty || token.audiences.contains(where: { wanted.audiences.contains($0) }) else {
            throw .audience
        }
        guard let keys = rule.keys else { throw .keysUnavailable }
        try keys.verify(token)
        return token
    }

    private static func apply(
        _ rule: JWTRule, _ token: JSONWebToken, _ carried: [CarriedToken], _ request: TokenRequest,
        _ changes: inout TokenChanges
    ) {
        if let name = rule.outputPayloadToHeader {
            changes.setHeaders.append(
                .init(name: name.lowercased(), value: String(decoding: token.payload, as: UTF8.self)))
        }
        for output in rule.outputClaimToHeaders {
            guard let value = headerValue(token.claims, output.claim) else { continue }
            changes.setHeaders.append(.init(name: output.header.lowercased(), value: value))
        }
        if rule.forwardOriginalToken { return }
        var parameters: Set<String> = []
        for token in carried {
            switch token.place {
            case .header(let name): changes.removedHeaders.insert(name)
            case .parameter(let name): parameters.insert(name)
            case .cookie: break
            }
        }
        if !parameters.isEmpty { changes.target = request.target(without: parameters) }
    }

    /// The text of a claim, nested names joined by dots; `nil` for what no header can carry.
    private static func headerValue(_ claims: [String: ClaimValue], _ name: String) -> String? {
        var found = claims[name]
        if found == nil {
            var members = claims
            for part in name.split(separator: ".", omittingEmptySubsequences: false) {
                found = members[String(part)]
                if case .object(let inner)? = found { members = inner } else { members = [:] }
            }
        }
        switch found {
        case .string(let text)?:
            // A line break would begin a header of the token's own.
            return text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } ? text : nil
        case .number(let text)?:
            if Int64(text) != nil { return text }
            guard let value = Double(text), value.isFinite else { return nil }
            return Int64(exactly: value).map(String.init) ?? "\(value)"
        case .bool(let value)?: return value ? "true" : "false"
        case .list?, .object?, .null?, nil: return nil
        }
    }
}

// For those who explain, not for the data path.
extension TokenRules {
    /// The tokens that a request carries, wherever any rule looks for one; each once.
    package func carried(_ request: TokenRequest) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for token in rules.flatMap({ $0.rule.tokens(in: request) }) where !found.contains(token.text) {
            found.append(token.text)
        }
        return found
    }

    /// After `.refuse(.keysUnavailable)`: the token whose signature nobody can verify, and the rule that would take it.
    package func unverified(_ request: TokenRequest, now: Int64) -> (token: JSONWebToken, rule: JWTRule)? {
        for rule in rules where rule.keys == nil {
            for carried in rule.rule.tokens(in: request) {
                do throws(TokenFailure) {
                    _ = try Self.validate(carried.text, rule, now)
                } catch {
                    guard error == .keysUnavailable, let token = try? JSONWebToken(parsing: carried.text) else {
                        continue
                    }
                    return (token, rule.rule)
                }
            }
        }
        return nil
    }
}
