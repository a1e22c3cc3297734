import MeshCore
import MeshPolicy

/// Layer 7 policies of one kind, and a request that the one in the middle matches.
struct RequestShape: Sendable {
    let name: String
    let rule: @Sendable (_ number: Int) -> SecurityPolicy.Rule
    let request: @Sendable (_ number: Int, _ facts: inout RequestFacts) -> Void

    static let all = [
        RequestShape(name: "own path each") { number in
            var operation = SecurityPolicy.Operation()
            operation.paths = Criterion(["/s\(number)/*"])
            return SecurityPolicy.Rule(to: [operation])
        } request: { number, facts in
            facts.target = RequestText("/s\(number)/a")
        },
        RequestShape(name: "own value of one header each") { number in
            when("request.headers[x-tenant]", "tenant-\(number)")
        } request: { number, facts in
            facts.headers.append(HeaderField(name: RequestText("x-tenant"), value: RequestText("tenant-\(number)")))
        },
        RequestShape(name: "own header each") { number in
            when("request.headers[x-\(number)]", "*")
        } request: { number, facts in
            facts.headers.append(HeaderField(name: RequestText("x-\(number)"), value: RequestText("1")))
        },
        RequestShape(name: "own value of a nested claim each") { number in
            when("request.auth.claims[realm][role]", "role-\(number)")
        } request: { number, facts in
            facts.claims = claims(["realm": .object(["role": .list([.string("x"), .string("role-\(number)")])])])
        },
        RequestShape(name: "own claim each") { number in
            when("request.auth.claims[c\(number)]", "a*")
        } request: { number, facts in
            facts.claims = claims(["c\(number)": .string("abc")])
        },
        RequestShape(name: "own issuer each, any subject") { number in
            var source = SecurityPolicy.Source()
            source.requestPrincipals = Criterion(["https://i\(number).example/*"])
            return SecurityPolicy.Rule(from: [source])
        } request: { number, facts in
            facts.claims = claims(["iss": .string("https://i\(number).example")])
        },
    ]

    private static func when(_ key: String, _ value: String) -> SecurityPolicy.Rule {
        SecurityPolicy.Rule(when: [SecurityPolicy.Condition(key: key, values: Criterion([value]))])
    }

    private static func claims(_ own: [String: ClaimValue]) -> TokenClaims {
        let common: [String: ClaimValue] = [
            "iss": .string("https://login.example"), "sub": .string("somebody"), "aud": .string("shop"),
            "azp": .string("app"), "email": .string("a@example"), "scope": .string("read write"),
        ]
        return TokenClaims(common.merging(own) { _, new in new })
    }

    func policies(_ count: Int) -> RequestPolicySet {
        RequestPolicySet(
            (0..<count).map { number in
                SecurityPolicy(
                    ResourceIdentity(namespace: "shop", name: "policy-\(number)"), action: .allow, rules: [rule(number)]
                )
            }, settings: MeshSettings())
    }

    /// With the headers that clients send.
    func facts(_ count: Int) -> RequestFacts {
        let id = try? SPIFFEID(parsing: "spiffe://cluster.local/ns/shop/sa/web")
        var facts = RequestFacts(
            peer: id.map { PeerIdentity($0) }, source: IPAddress(v4: 0x0A00_0001),
            destination: SocketAddress(IPAddress(v4: 0x0A01_0001), 80))
        (facts.method, facts.host, facts.target) = (RequestText("GET"), RequestText("cart.shop"), RequestText("/"))
        for (name, value) in [
            ("accept", "*/*"), ("user-agent", "curl/8.5.0"), ("x-request-id", "0e0f0a0b"), ("accept-encoding", "gzip"),
            ("x-forwarded-proto", "http"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ] {
            facts.headers.append(HeaderField(name: RequestText(name), value: RequestText(value)))
        }
        request(count / 2, &facts)
        return facts
    }
}
