import MeshCore
import MeshYAML

extension ObjectReader {
    private static let ruleFields = [
        "issuer", "audiences", "jwksUri", "jwks", "fromHeaders", "fromParams", "fromCookies",
        "outputPayloadToHeader", "outputClaimToHeaders", "forwardOriginalToken", "timeout", "spaceDelimitedClaims",
    ]

    mutating func requestAuthentication(_ document: YAMLNode, _ meta: ObjectMeta) -> RequestAuthentication {
        var policy = RequestAuthentication(ResourceIdentity(meta))
        refuseDryRun(meta, document)
        var (select, target, references): (YAMLNode?, YAMLNode?, YAMLNode?)
        for (key, value) in pairs(topLevel(document)) {
            switch key {
            case "selector":
                select = value
                if !value.isNull { policy.selector = selector(value) }
            case "targetRef": target = value
            case "targetRefs": references = value
            case "jwtRules":
                let list = elements(value)
                if list.count > 4096 {
                    error(value, "has \(list.count) rules; 4096 are allowed", remedy: "make a second object")
                }
                for node in list { policy.rules.append(tokenRule(node)) }
            default: unknown(key, ["selector", "targetRef", "targetRefs", "jwtRules"])
            }
        }
        policy.targets = targets(references: references, legacy: target, selector: select)
        return policy
    }

    private mutating func tokenRule(_ node: YAMLNode) -> JWTRule {
        var rule = JWTRule(issuer: "", keys: .discovered)
        rule.position = FilePosition(node)
        var (remote, inline): (YAMLNode?, YAMLNode?)
        for (key, value) in pairs(node) {
            switch key {
            case "issuer": rule.issuer = text(value) ?? ""
            case "audiences": rule.audiences = texts(value)
            case "jwksUri", "jwks_uri": remote = value
            case "jwks": inline = value
            case "fromHeaders":
                for element in elements(value) {
                    if let place = headerLocation(element) { rule.fromHeaders.append(place) }
                }
            case "fromParams": rule.fromParameters = texts(value)
            case "fromCookies": rule.fromCookies = texts(value)
            case "outputPayloadToHeader": rule.outputPayloadToHeader = filledText(value)
            case "outputClaimToHeaders":
                for element in elements(value) {
                    if let header = claimHeader(element) { rule.outputClaimToHeaders.append(header) }
                }
            case "forwardOriginalToken": rule.forwardOriginalToken = bool(value)
            case "timeout":
                if let text = text(value) {
                    if let time = Self.milliseconds(text), time >= 1 {
                        rule.timeout = .milliseconds(time)
                    } else {
                        error(value, "\"\(text)\" is no time of whole milliseconds", remedy: "write 5s or 500ms")
                    }
                }
            case "spaceDelimitedClaims": rule.spaceDelimitedClaims = texts(value, limit: 64)
            default: unknown(key, Self.ruleFields)
            }
        }
        keys(remote, inline, of: &rule)
        if rule.issuer.isEmpty, remote == nil {
            error(node, "needs issuer or jwksUri", remedy: "name the issuer of the tokens")
        }
        return rule
    }

    private mutating func keys(_ remote: YAMLNode?, _ inline: YAMLNode?, of rule: inout JWTRule) {
        if remote != nil, let inline {
            error(inline, "jwks and jwksUri exclude one another", remedy: "keep one of them")
        }
        if let remote, let uri = filledText(remote) {
            if uri.utf8.count > 2048 || !(uri.hasPrefix("https://") || uri.hasPrefix("http://")) {
                error(remote, "is no http or https address of at most 2048 characters", remedy: "write https://…")
            }
            rule.keys = .remote(uri)
        }
        guard let inline, let text = filledText(inline) else { return }
        rule.keys = .inline(text)
        guard let document = try? YAMLNode.document(in: text, name: "jwks"), let keys = document["keys"],
            keys.kind == .sequence
        else {
            error(inline, "is no JSON Web Key Set", remedy: "write {\"keys\": […]}")
            return
        }
        if keys.elements.contains(where: { $0["d"] != nil || $0["kty"]?.text == "oct" }) {
            warn(
                inline, "holds a private or symmetric key, which whoever can read this object can sign tokens with",
                remedy: "publish public keys only, and replace this key")
        }
    }

    private mutating func headerLocation(_ node: YAMLNode) -> JWTRule.HeaderLocation? {
        var (name, prefix): (String?, String) = (nil, "")
        for (key, value) in pairs(node) {
            switch key {
            case "name": name = filledText(value)
            case "prefix": prefix = text(value) ?? ""
            default: unknown(key, ["name", "prefix"])
            }
        }
        guard let name else {
            if node["name"] == nil { error(node, "needs name", remedy: "name the header that carries the token") }
            return nil
        }
        return JWTRule.HeaderLocation(name: name, prefix: prefix)
    }

    private mutating func claimHeader(_ node: YAMLNode) -> JWTRule.ClaimHeader? {
        var (header, claim): (String?, String?)
        for (key, value) in pairs(node) {
            switch key {
            case "header":
                header = filledText(value)
                if let name = header, !name.utf8.allSatisfy(Self.isHeaderByte) {
                    error(value, "\"\(name)\" is no header name", remedy: "use letters, digits, - and _")
                }
            case "claim": claim = filledText(value)
            default: unknown(key, ["header", "claim"])
            }
        }
        guard let header, let claim else {
            if node["header"] == nil || node["claim"] == nil {
                error(node, "needs header and claim", remedy: "name both")
            }
            return nil
        }
        return JWTRule.ClaimHeader(header: header, claim: claim)
    }

    private static func isHeaderByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
