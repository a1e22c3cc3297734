package import MeshCore

/// A service account by its names, as `namespace/account`.
package struct ServiceAccount: Hashable, Sendable, CustomStringConvertible {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Shape: exactly `system:serviceaccount:<namespace>:<account>`, neither part empty.
    /// Source: Kubernetes, service account user names.
    package init?(username: String) {
        let part = username.split(separator: ":", omittingEmptySubsequences: false)
        guard part.count == 4, part[0] == "system", part[1] == "serviceaccount", !part[2].isEmpty, !part[3].isEmpty
        else { return nil }
        self.init(namespace: String(part[2]), name: String(part[3]))
    }

    package init(_ id: SPIFFEID) { self.init(namespace: id.namespace, name: id.serviceAccount) }

    package var description: String { "\(namespace)/\(name)" }
}

/// A service account that a token proved, and what the token is bound to.
package struct ServiceAccountCaller: Hashable, Sendable {
    /// An object that ends the token when it is deleted.
    package struct Bound: Hashable, Sendable {
        package let name: String
        /// `nil` where the token does not say.
        package let uid: String?

        package init(name: String, uid: String?) {
            self.name = name
            self.uid = uid
        }
    }

    package let account: ServiceAccount
    /// The cluster that vouches for it, by its id.
    package let cluster: String
    package var pod: Bound?
    package var node: Bound?
    /// Whether nobody was asked if the bound pod still exists.
    package var isOffline = false

    package init(account: ServiceAccount, cluster: String) {
        self.account = account
        self.cluster = cluster
    }

    /// For logs.
    package var name: String { pod.map { "\(account) pod \($0.name)" } ?? "\(account)" }
}

/// Why a token proves nobody.
package enum TokenProblem: Error, Hashable, CustomStringConvertible {
    case refused(String)
    /// It could not be found out.
    case unavailable(String)

    package var description: String {
        switch self {
        case .refused(let reason), .unavailable(let reason): reason
        }
    }
}
