import Crypto
package import MeshKubernetesAPI
import MeshTokens
import Synchronization

/// Asks the API server of one cluster whose a token is.
///
/// A good answer is remembered for ten seconds, as the API server itself does, by the token's hash: a node proxy asks
/// for all workloads of its node with one token. Bad answers are not. One token is asked about once at a time.
package final class TokenReviewer: Sendable {
    package struct Limits: Sendable {
        /// Answers that are remembered; the oldest goes first.
        package var remembered = 4096
        /// Seconds.
        package var memory: Int64 = 10
        /// Questions open at the API server. What comes above is told to come again.
        package var questions = 64

        package init() {}
    }

    private struct Known {
        let caller: ServiceAccountCaller
        let asked: Int64
        let until: Int64
    }
    private typealias Answer = Result<ServiceAccountCaller, TokenProblem>
    private struct State {
        var known: [SHA256.Digest: Known] = [:]
        /// The keys of `known`, in the order of their coming.
        var order: [SHA256.Digest] = []
        /// `nil` tells whoever waits to ask again.
        var waiting: [SHA256.Digest: [CheckedContinuation<Answer?, Never>]] = [:]
    }

    private let client: KubernetesClient
    private let cluster: String
    private let audiences: [String]
    private let limits: Limits
    private let state = Mutex(State())

    /// - Parameters:
    ///   - cluster: the id of the cluster that `client` speaks to.
    ///   - audiences: the token must be for one of them.
    package init(_ client: KubernetesClient, cluster: String, audiences: [String], limits: Limits = Limits()) {
        self.client = client
        self.cluster = cluster
        self.audiences = audiences
        self.limits = limits
    }

    /// - Parameter now: seconds since 1970.
    package func caller(_ text: some StringProtocol, now: Int64) async throws(TokenProblem) -> ServiceAccountCaller {
        // What is no token at all does not reach the API server, nor does one that has ended.
        let token: JSONWebToken
        do { token = try JSONWebToken(parsing: Array(text.utf8)) } catch { throw .refused("\(error)") }
        guard token.expiry == 0 || now < token.expiry else { throw .refused("\(TokenFailure.expired)") }
        let key = SHA256.hash(data: Array(text.utf8))
        while true {
            switch start(key, now) {
            case .known(let caller): return caller
            case .tooMany: throw .unavailable("\(limits.questions) tokens are being reviewed already")
            case .wait:
                guard let answer = await wait(key) else { continue }
                return try answer.get()
            case .ask:
                let answer: Answer
                do { answer = .success(try await review(String(text))) } catch { answer = .failure(error) }
                let until = min(now + limits.memory, token.expiry == 0 ? .max : token.expiry)
                // Whoever was cancelled has no answer for the others.
                finish(key, Task.isCancelled ? nil : answer, now, until)
                return try answer.get()
            }
        }
    }

    private enum Start { case known(ServiceAccountCaller), wait, ask, tooMany }

    private func start(_ key: SHA256.Digest, _ now: Int64) -> Start {
        state.withLock { state in
            // An answer from the future is one from before the clock was set back.
            if let known = state.known[key], (known.asked..<known.until).contains(now) { return .known(known.caller) }
            if state.waiting[key] != nil { return .wait }
            guard state.waiting.count < limits.questions else { return .tooMany }
            state.waiting[key] = []
            return .ask
        }
    }

    private func wait(_ key: SHA256.Digest) async -> Answer? {
        await withCheckedContinuation { continuation in
            let isPending = state.withLock { state in
                state.waiting[key]?.append(continuation)
                return state.waiting[key] != nil
            }
            if !isPending { continuation.resume(returning: nil) }
        }
    }

    private func finish(_ key: SHA256.Digest, _ answer: Answer?, _ now: Int64, _ until: Int64) {
        let waiting = state.withLock { state in
            if case .success(let caller)? = answer, now < until {
                if state.known.updateValue(Known(caller: caller, asked: now, until: until), forKey: key) == nil {
                    state.order.append(key)
                }
                if state.order.count > limits.remembered { state.known[state.order.removeFirst()] = nil }
            }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for continuation in waiting { continuation.resume(returning: answer) }
    }

    private func review(_ token: String) async throws(TokenProblem) -> ServiceAccountCaller {
        let answer: TokenReview
        do {
            answer = try await client.review(TokenReview(token: token, audiences: audiences))
        } catch {
            throw .unavailable("review of the token: \(error)")
        }
        guard let status = answer.status else { throw .refused("review of the token has no status") }
        if let error = status.error, !error.isEmpty { throw .refused("review of the token: \(error.prefix(300))") }
        guard status.authenticated == true else { throw .refused("the API server does not know the token") }
        guard let user = status.user else { throw .refused("review of the token names no user") }
        guard user.groups?.contains("system:serviceaccounts") == true else {
            throw .refused("\"\(user.username ?? "")\" is no service account")
        }
        guard let account = ServiceAccount(username: user.username ?? "") else {
            throw .refused("\"\(user.username ?? "")\" is not the user name of a service account")
        }
        // A server that knows no audiences answers without them, for a token of whatever audience.
        guard status.audiences?.contains(where: audiences.contains) == true else {
            throw .refused("the token is for \(status.audiences ?? []), not for \(audiences)")
        }
        var caller = ServiceAccountCaller(account: account, cluster: cluster)
        caller.pod = user.bound("pod")
        caller.node = user.bound("node")
        return caller
    }
}

extension TokenReview.User {
    /// Source: Kubernetes, extra of bound service account tokens.
    fileprivate func bound(_ kind: String) -> ServiceAccountCaller.Bound? {
        func first(_ what: String) -> String? {
            extra?["authentication.kubernetes.io/\(kind)-\(what)"]?.first.flatMap { $0.isEmpty ? nil : $0 }
        }
        return first("name").map { ServiceAccountCaller.Bound(name: $0, uid: first("uid")) }
    }
}
