package import MeshCA
import MeshCore

/// Everybody who may ask for certificates in a mesh with clusters: callers of a file, holders of a client certificate,
/// service accounts, and node proxies for the pods on their nodes.
///
/// Order: the callers of the file, by certificate or static token; else a client certificate for its own identity; then
/// tokens, by the keys of their issuers, then by review. The first that proves somebody counts, and whoever presents a
/// certificate that is good is what it says. A token that belongs to a caller of the file never reaches an API server.
package final class ClusterAuthorization: CallerAuthorization {
    /// A cluster whose tokens are believed. The first one is our own.
    package struct Cluster: Sendable {
        package let id: String
        package let aliases: Set<String>
        package let reviewer: TokenReviewer?
        package let pods: (any PodDirectory)?

        package init(
            id: String, aliases: Set<String> = [], reviewer: TokenReviewer? = nil, pods: (any PodDirectory)? = nil
        ) {
            self.id = id
            self.aliases = aliases
            self.reviewer = reviewer
            self.pods = pods
        }
    }

    private let clusters: [Cluster]
    private let issuers: [IssuerTokens]
    private let callers: CallerDirectory?
    private let nodes: NodeAuthorization
    private let clock: any WallClock

    /// - Parameters:
    ///   - clusters: at least one, ids and aliases each once.
    ///   - callers: whom a file names; a caller with a node gets what the pods of the first cluster say.
    package init(
        clusters: [Cluster], issuers: [IssuerTokens] = [], callers: CallerDirectory? = nil, trusted: TrustedAccounts,
        clock: any WallClock
    ) {
        self.clusters = clusters
        self.issuers = issuers
        self.callers = callers
        self.clock = clock
        nodes = NodeAuthorization(
            trusted: trusted,
            directories: Dictionary(clusters.compactMap { c in c.pods.map { (c.id, $0) } }) { first, _ in first })
    }

    // MARK: CallerAuthorization

    package func grant(
        _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
    ) async throws(Refusal) -> CallerGrant {
        var reasons: [String] = []
        if let callers {
            let caller: Caller?
            do { caller = try callers.authenticate(credentials, authority, now: now) } catch {
                caller = nil
                reasons.append(error.reason)
            }
            if let caller { return try grant(caller, of: callers, impersonated, authority.trustDomain, now) }
        } else if let certificate = credentials.certificate {
            let id: SPIFFEID?
            do { id = try PeerCertificate.identity(of: certificate, authority: authority, now: now) } catch {
                id = nil
                reasons.append("\(error)")
            }
            if let id { return try renew(id, impersonated) }
        }
        let caller = try await caller(credentials, now, reasons)
        return try grant(caller, impersonated, credentials.clusterID, authority.trustDomain, now)
    }

    package func reload() {
        callers?.reload()
        for cluster in clusters { cluster.pods?.reload() }
    }

    /// Only our own cluster holds us up: others may be away.
    package var obstacle: String? { clusters.first?.pods?.obstacle }

    package func run() async {
        await withDiscardingTaskGroup { group in
            for cluster in clusters { if let pods = cluster.pods { group.addTask { await pods.run() } } }
            for issuer in issuers { group.addTask { await issuer.run(clock: self.clock) } }
        }
    }

    // MARK: Who

    private func caller(
        _ credentials: PresentedCredentials, _ now: Int64, _ earlier: [String]
    ) async throws(Refusal) -> ServiceAccountCaller {
        var reasons = earlier
        var isUndecided = false
        guard let token = credentials.bearerToken else {
            throw .unauthenticated(reason: (reasons.isEmpty ? ["no bearer token"] : reasons).joined(separator: ", "))
        }
        for issuer in issuers {
            do {
                return try await issuer.caller(token, now: now)
            } catch {
                if case .unavailable = error { isUndecided = true }
                reasons.append("\(error)")
            }
        }
        do {
            if let reviewer = try reviewer(of: credentials.clusterID) {
                return try await reviewer.caller(token, now: now)
            }
        } catch {
            if case .unavailable = error { isUndecided = true }
            reasons.append("\(error)")
        }
        let reason = reasons.joined(separator: ", ")
        throw isUndecided ? .unavailable(reason: reason) : .unauthenticated(reason: reason)
    }

    /// Of our own cluster for a request that names none; `nil` where tokens are not reviewed.
    private func reviewer(of id: String) throws(TokenProblem) -> TokenReviewer? {
        guard clusters.contains(where: { $0.reviewer != nil }) else { return nil }
        let found =
            id.isEmpty
            ? clusters.first : clusters.first { $0.id == id } ?? clusters.first { $0.aliases.contains(id) }
        guard let found else {
            let known = clusters.map { "\"\($0.id)\"" }.joined(separator: ", ")
            throw .refused("no cluster is called \"\(id.prefix(100))\"; known: \(known)")
        }
        return found.reviewer
    }

    // MARK: What

    private func renew(_ id: SPIFFEID, _ impersonated: String) throws(Refusal) -> CallerGrant {
        guard impersonated.isEmpty else {
            throw .impersonation(
                reason: "asked for \"\(impersonated.prefix(200))\" with a client certificate, which says no pod",
                caller: "\(id)")
        }
        return CallerGrant(caller: "\(id)", identities: [id])
    }

    private func grant(
        _ caller: Caller, of callers: CallerDirectory, _ impersonated: String, _ trustDomain: TrustDomain, _ now: Int64
    ) throws(Refusal) -> CallerGrant {
        if let node = caller.node, !impersonated.isEmpty, let pods = clusters.first?.pods {
            do {
                let asked = try NodeAuthorization.identity(impersonated, of: trustDomain)
                if !caller.allowed.contains(asked) { try NodeAuthorization.check(asked, on: node, in: pods, now: now) }
                return CallerGrant(caller: caller.name, identities: [asked])
            } catch {
                throw Self.refusal(error, caller: caller.name)
            }
        }
        return CallerGrant(
            caller: caller.name, identities: [try callers.identity(for: caller, asking: impersonated, of: trustDomain)])
    }

    private func grant(
        _ caller: ServiceAccountCaller, _ impersonated: String, _ cluster: String, _ trustDomain: TrustDomain,
        _ now: Int64
    ) throws(Refusal) -> CallerGrant {
        do {
            if !impersonated.isEmpty {
                let asked = try nodes.check(caller, asking: impersonated, of: trustDomain, cluster: cluster, now: now)
                return CallerGrant(caller: caller.name, identities: [asked])
            }
            try checkPod(of: caller, now)
        } catch {
            throw Self.refusal(error, caller: caller.name)
        }
        do {
            let id = try SPIFFEID(
                trustDomain: trustDomain, namespace: caller.account.namespace, serviceAccount: caller.account.name)
            return CallerGrant(caller: caller.name, identities: [id])
        } catch {
            throw .unauthenticated(reason: "\(error)")
        }
    }

    /// A token that nobody was asked about lives on when its pod is gone: so the pod is looked for.
    private func checkPod(of caller: ServiceAccountCaller, _ now: Int64) throws(NodeRefusal) {
        guard caller.isOffline, caller.pod != nil,
            let pods = clusters.first(where: { $0.id == caller.cluster })?.pods
        else { return }
        if let obstacle = pods.obstacle { throw .notKnownYet(obstacle) }
        _ = try NodeAuthorization.pod(of: caller, in: pods, now: now)
    }

    private static func refusal(_ error: NodeRefusal, caller: String) -> Refusal {
        if case .notKnownYet(let why) = error { return .unavailable(reason: why) }
        return .impersonation(reason: "\(error)", caller: caller)
    }
}
