/// A pod, as far as it says which identities a node may have.
package struct PodFacts: Hashable, Sendable {
    package let namespace: String
    package let name: String
    package let uid: String
    package let account: ServiceAccount
    /// `nil` before it was given one.
    package let node: String?
    /// It ran, and will not again.
    package let hasEnded: Bool
    /// Seconds since 1970, when its time to stop is over; `nil` for one that stays.
    package let goneBy: Int64?

    package init(
        namespace: String, name: String, uid: String, account: String, node: String?, hasEnded: Bool = false,
        goneBy: Int64? = nil
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.account = ServiceAccount(namespace: namespace, name: account)
        self.node = node.flatMap { $0.isEmpty ? nil : $0 }
        self.hasEnded = hasEnded
        self.goneBy = goneBy
    }

    /// Whether it can still have a process that needs an identity, at `now` (seconds since 1970).
    package func counts(now: Int64) -> Bool { !hasEnded && goneBy.map { now < $0 } ?? true }

    package var place: PodPlace? { node.map { PodPlace(account: account, node: $0) } }
}

/// An account on a node: what a node proxy may ask for.
package struct PodPlace: Hashable, Sendable {
    package let account: ServiceAccount
    package let node: String

    package init(account: ServiceAccount, node: String) {
        self.account = account
        self.node = node
    }

    /// No name holds `@` or `/`.
    var key: String { "\(account)@\(node)" }
}

/// Which pods there are and where they run.
package protocol PodDirectory: Sendable {
    /// Why it does not know them all yet; `nil` when it does.
    var obstacle: String? { get }
    func pod(namespace: String, name: String) -> PodFacts?
    func pods(at place: PodPlace) -> [PodFacts]
    /// Reads again what it is configured by.
    func reload()
    /// Follows changes until its task is cancelled.
    func run() async
}

extension PodDirectory {
    package func reload() {}
    package func run() async {}
}
