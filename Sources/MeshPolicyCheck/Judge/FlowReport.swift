import MeshPolicy

/// What policies say of one flow, hop by hop. The encoded keys are a promise.
package struct FlowReport: Encodable, Sendable {
    package struct Hop: Encodable, Sendable {
        package enum Kind: String, Encodable, Sendable { case waypoint, workload }
        package let kind: Kind
        /// `shop/waypoint`, or the workload.
        package let at: String
        /// The identity that this hop sees; absent for plaintext.
        package let peer: String?
        package let source: String?
        package let port: UInt16
        package let allowed: Bool
        package let reason: String
        package let decidedBy: Rule?
        /// What the client is told, where it is refused at a waypoint.
        package let answer: Answer?
        package let policies: [PolicyOutcome]
        package let notes: [String]
    }

    /// An answer that a waypoint gives itself. Source: what Istio's waypoint answers, byte for byte.
    package struct Answer: Encodable, Sendable {
        package let status: Int
        package let headers: [String: String]
        package let body: String
        /// As its access log says.
        package let details: String

        init(_ answer: LocalAnswer) {
            status = answer.status
            headers = Dictionary(answer.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
            body = answer.body
            details = answer.details
        }
    }

    package struct Rule: Encodable, Sendable, Hashable {
        package let policy: String
        /// From 0.
        package let rule: Int
        package let file: String?
        package let line: Int?
    }

    /// One policy that could have decided, and why it did or did not.
    package struct PolicyOutcome: Encodable, Sendable {
        package enum Result: String, Encodable, Sendable { case matched, notMatched, notHere, notAsked }
        package let policy: String
        package let action: String
        package let dryRun: Bool
        package let result: Result
        package let why: [String]
    }

    package let from: String
    package let to: String
    package let allowed: Bool
    package let hops: [Hop]
    package let notes: [String]
}
