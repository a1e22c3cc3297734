/// A value of a token's claims. Numbers keep their text: policies never compare them, and nothing is lost.
public indirect enum ClaimValue: Hashable, Sendable {
    case string(String)
    case list([ClaimValue])
    case object([String: ClaimValue])
    case number(String)
    case bool(Bool)
    case null

    /// The claims that hold lists written with spaces, besides those that a rule names.
    public static let spaceDelimited = ["scope", "permission"]
}

/// The claims of a token that was found valid.
public struct TokenClaims: Hashable, Sendable {
    public private(set) var values: [String: ClaimValue]

    /// - Parameter spaceDelimited: top-level claims whose text is a list written with spaces, besides `scope` and
    ///   `permission`.
    public init(_ values: [String: ClaimValue], spaceDelimited: [String] = []) {
        self.values = values
        for name in ClaimValue.spaceDelimited + spaceDelimited {
            guard case .string(let text)? = values[name] else { continue }
            self.values[name] = .list(text.split(separator: " ").map { .string(String($0)) })
        }
    }

    public subscript(_ name: String) -> ClaimValue? { values[name] }

    /// The value at a path into nested claims.
    public subscript(path path: [String]) -> ClaimValue? {
        guard let first = path.first, var found = values[first] else { return nil }
        for name in path.dropFirst() {
            guard case .object(let members) = found, let next = members[name] else { return nil }
            found = next
        }
        return found
    }
}
