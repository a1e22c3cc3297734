package import MeshCore

/// Why a node proxy does not get the identity that it asks for. The peer learns none of this.
package enum NodeRefusal: Error, Equatable, CustomStringConvertible {
    case noTrustedAccounts
    case cluster(asked: String, caller: String)
    case noPods(cluster: String)
    case notTrusted(ServiceAccount)
    case identity(IdentityError)
    case foreign(SPIFFEID)
    /// Not a verdict: the pods are not known yet.
    case notKnownYet(String)
    case tokenWithoutPod
    case podUnknown(String)
    case podReplaced(String)
    case podEnded(String)
    case podOfAnotherAccount(ServiceAccount)
    case podWithoutNode(String)
    case nodeDiffers(token: String, pod: String)
    case notOnNode(SPIFFEID, node: String)

    package var description: String {
        switch self {
        case .noTrustedAccounts: "no account is trusted to ask for others; name those of node proxies"
        case .cluster(let asked, let caller):
            "no node authorizer for cluster \"\(asked)\"; the caller is of \"\(caller)\""
        case .noPods(let cluster): "the pods of cluster \"\(cluster)\" are not known here"
        case .notTrusted(let account): "\(account) is not trusted to ask for others"
        case .identity(let error): "asked for \(error)"
        case .foreign(let id): "asked for \(id), which is of another trust domain"
        case .notKnownYet(let why): why
        case .tokenWithoutPod: "the token is not bound to a pod"
        case .podUnknown(let name): "there is no pod \(name)"
        case .podReplaced(let name): "pod \(name) is another one than the token's"
        case .podEnded(let name): "pod \(name) has ended"
        case .podOfAnotherAccount(let account): "the caller's pod runs as \(account)"
        case .podWithoutNode(let name): "pod \(name) is on no node"
        case .nodeDiffers(let token, let pod): "the token is bound to node \(token), its pod is on \(pod)"
        case .notOnNode(let id, let node): "no pod of \(id) is on node \(node)"
        }
    }
}

/// Decides which identities a node proxy may ask for: those of the pods on its own node, by our own view of the pods.
///
/// Deviation: istiod counts pods that have succeeded and those that should be gone already, takes identities of any
/// trust domain, and does not look at the node that the token is bound to.
package struct NodeAuthorization: Sendable {
    package let trusted: TrustedAccounts
    /// By the id of the cluster.
    private let directories: [String: any PodDirectory]

    package init(trusted: TrustedAccounts, directories: [String: any PodDirectory]) {
        self.trusted = trusted
        self.directories = directories
    }

    /// - Parameters:
    ///   - text: the identity asked for, as it came.
    ///   - cluster: the id that the request names, as it came: neither an alias nor an empty one will do.
    ///   - now: seconds since 1970.
    package func check(
        _ caller: ServiceAccountCaller, asking text: String, of trustDomain: TrustDomain, cluster: String, now: Int64
    ) throws(NodeRefusal) -> SPIFFEID {
        guard !trusted.accounts.isEmpty else { throw .noTrustedAccounts }
        // The token was judged by that very cluster, so a proxy cannot borrow the pods of another one.
        guard cluster == caller.cluster else { throw .cluster(asked: cluster, caller: caller.cluster) }
        guard let directory = directories[cluster] else { throw .noPods(cluster: cluster) }
        guard trusted.accounts.contains(caller.account) else { throw .notTrusted(caller.account) }
        let asked = try Self.identity(text, of: trustDomain)
        if let obstacle = directory.obstacle { throw .notKnownYet(obstacle) }
        let node = try Self.pod(of: caller, in: directory, now: now).node
        guard let node, !node.isEmpty else { throw .podWithoutNode(caller.name) }
        if let claimed = caller.node, claimed.name != node { throw .nodeDiffers(token: claimed.name, pod: node) }
        try Self.check(asked, on: node, in: directory, now: now)
        return asked
    }

    /// The identity as it was asked for, if it is one that we sign.
    static func identity(_ text: String, of trustDomain: TrustDomain) throws(NodeRefusal) -> SPIFFEID {
        let asked: SPIFFEID
        do { asked = try SPIFFEID(parsing: text) } catch { throw .identity(error) }
        guard asked.trustDomain == trustDomain else { throw .foreign(asked) }
        return asked
    }

    /// The pod that a token is bound to, if it is there still.
    static func pod(
        of caller: ServiceAccountCaller, in directory: any PodDirectory, now: Int64
    ) throws(NodeRefusal) -> PodFacts {
        guard let bound = caller.pod, let uid = bound.uid else { throw .tokenWithoutPod }
        let name = "\(caller.account.namespace)/\(bound.name)"
        guard let pod = directory.pod(namespace: caller.account.namespace, name: bound.name) else {
            throw .podUnknown(name)
        }
        guard pod.uid == uid else { throw .podReplaced(name) }
        guard pod.account == caller.account else { throw .podOfAnotherAccount(pod.account) }
        guard pod.counts(now: now) else { throw .podEnded(name) }
        return pod
    }

    static func check(
        _ asked: SPIFFEID, on node: String, in directory: any PodDirectory, now: Int64
    ) throws(NodeRefusal) {
        let pods = directory.pods(at: PodPlace(account: ServiceAccount(asked), node: node))
        guard pods.contains(where: { $0.counts(now: now) }) else { throw .notOnNode(asked, node: node) }
    }
}
