package import MeshCore

/// A rule of a policy, compiled: all clauses must hold.
package final class RequestRule: Sendable {
    /// The policy, as it was written.
    package let policy: SecurityPolicy
    /// From 0, as in the policy.
    package let number: Int
    /// `ns[<namespace>]-policy[<name>]-rule[<number>]`, as the reference reports it.
    package let id: String
    let clauses: [RequestClause]

    init(_ policy: SecurityPolicy, number: Int, clauses: [RequestClause]) {
        self.policy = policy
        self.number = number
        id = "ns[\(policy.identity.namespace)]-policy[\(policy.identity.name)]-rule[\(number)]"
        self.clauses = clauses
    }

    func matches(_ facts: RequestFacts) -> Bool {
        for clause in clauses where !clause.matches(facts) { return false }
        return true
    }
}

extension RequestRule: CustomStringConvertible {
    package var description: String { "policy \(policy.identity), rule \(number)" }
}

/// `from`, `to`, or one condition of `when`: one entry is enough.
struct RequestClause: Sendable {
    enum Part: Sendable, Hashable {
        case from, to, when(Int)
    }

    let part: Part
    /// Never empty.
    let entries: [RequestEntry]

    func matches(_ facts: RequestFacts) -> Bool {
        for entry in entries where entry.matches(facts) { return true }
        return false
    }
}

/// An entry of a clause: every test must hold. Without tests it always holds.
struct RequestEntry: Sendable {
    /// From 0, as in the policy.
    let number: Int
    let tests: [AttributeTest]

    func matches(_ facts: RequestFacts) -> Bool {
        for test in tests where test.miss(facts) != nil { return false }
        return true
    }
}
