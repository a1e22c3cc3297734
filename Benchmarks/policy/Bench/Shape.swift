import MeshCore

typealias Match = AuthorizationPolicy.Match

/// Policies of one kind, `count` of them, with connections to judge. Each is meant to be the worst of its kind.
struct Shape: Sendable {
    let name: String
    let action: AuthorizationPolicy.Action
    let match: @Sendable (_ number: Int, _ match: inout Match) -> Void

    static let all = [
        Shape(name: "own principal each", action: .allow) { number, match in
            match.principals = [.exact("cluster.local/ns/n\(number)/sa/app")]
        },
        Shape(name: "own principal, one port", action: .allow) { number, match in
            match.principals = [.exact("cluster.local/ns/n\(number)/sa/app")]
            match.destinationPorts = [80]
        },
        Shape(name: "100 ports × namespaces", action: .allow) { number, match in
            match.destinationPorts = [UInt16(80 + number % 100)]
            match.namespaces = [.exact("n\(number / 100)")]
        },
        Shape(name: "one namespace, forbidden ports", action: .allow) { number, match in
            match.namespaces = [.exact("n1")]
            match.notDestinationPorts = [80, UInt16(1000 + number)]
        },
        Shape(name: "forbidden presence", action: .deny) { number, match in
            match.notPrincipals = [.presence, .exact("cluster.local/ns/x\(number)/sa/app")]
        },
        Shape(name: "forbidden namespaces", action: .deny) { number, match in
            match.notNamespaces = [.prefix("n"), .exact("x\(number)")]
        },
        Shape(name: "source blocks of all lengths", action: .deny) { number, match in
            let address = UInt32(10) << 24 | UInt32(number) << 8
            match.sourceIPs = [CIDR("\(IPAddress(v4: address))/\(16 + number % 17)")].compactMap { $0 }
            match.notDestinationPorts = [80]
        },
        Shape(name: "prefixes and suffixes", action: .deny) { number, match in
            match.principals = [
                .prefix("cluster.local/ns/n\(number)x"), .suffix("/sa/app\(number)"),
            ]
        },
    ]

    func policies(_ count: Int) -> [AuthorizationPolicy] {
        (0..<count).map { number in
            var made = Match()
            match(number, &made)
            return AuthorizationPolicy(
                name: "policy-\(number)", namespace: "shop", scope: .namespace, action: action,
                rules: [.init(clauses: [.init(matches: [made])])])
        }
    }
}
