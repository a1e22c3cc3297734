import AsyncHTTPClient
import FoundationEssentials
import MeshCore
package import NIOCore
import NIOHTTP1
import NIOPosix

/// Speaks to one API server.
///
/// HTTP/1.1 on purpose: a connection that has died takes one call with it, not all of them.
package final class KubernetesClient: Sendable {
    /// How the client waits, injected so that tests need not.
    package typealias Pause = @Sendable (Duration) async throws -> Void

    package let access: ClusterAccess
    let limits: ClientLimits
    let pause: Pause
    let http: HTTPClient
    private let credentials: CredentialSource

    /// `shutdown` must be called before the last reference goes.
    package init(
        _ access: ClusterAccess, limits: ClientLimits = ClientLimits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        pause: @escaping Pause = { try await Task.sleep(for: $0) }
    ) {
        self.access = access
        self.limits = limits
        self.pause = pause
        credentials = CredentialSource(access)
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = TimeAmount(limits.connectTimeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Every watch holds one.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        if let name = access.serverName, let host = URL(string: access.server)?.host() {
            configuration.dnsOverride = [name: host]
        }
        http = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    package func shutdown() async { try? await http.shutdown() }

    /// A client for as long as `body` runs.
    package static func with<T: Sendable>(
        _ access: ClusterAccess, limits: ClientLimits = ClientLimits(),
        pause: @escaping Pause = { try await Task.sleep(for: $0) },
        _ body: (KubernetesClient) async throws -> T
    ) async throws -> T {
        let client = KubernetesClient(access, limits: limits, pause: pause)
        do {
            let result = try await body(client)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    // MARK: Calls

    struct Call: Sendable {
        var method: HTTPMethod = .GET
        var path: String
        var query: [(String, String)] = []
        var body: [UInt8]?
        var contentType = "application/json"

        var url: String { URLText.path(path, query) }
        /// Whether doing it twice is doing it once.
        var isRepeatable: Bool { method == .GET }
    }

    func request(_ call: Call) throws(KubernetesError) -> (HTTPClientRequest, CallCredentials) {
        let credentials = try credentials.current()
        var request = HTTPClientRequest(url: base + call.url)
        request.method = call.method
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "meshctl")
        if let token = credentials.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: call.contentType)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        request.tlsConfiguration = credentials.tls
        return (request, credentials)
    }

    /// The server's URL, its host replaced by the name that its certificate has.
    private var base: String {
        guard let name = access.serverName, var parts = URLComponents(string: access.server) else {
            return access.server
        }
        parts.host = name
        return parts.string ?? access.server
    }

    /// Makes a call, again where the server asks for it, and gives the body of its answer.
    func send(_ call: Call) async throws(KubernetesError) -> [UInt8] {
        var refusedToken: String?
        var attempt = 1
        while true {
            let (request, credentials) = try request(call)
            do {
                return try await exchange(request)
            } catch {
                let wait: Duration
                switch error {
                case .status(let status) where status.code == 401:
                    // The token may just have been replaced. A call that was not authenticated was not carried out.
                    guard refusedToken == nil, let token = credentials.token,
                        (try? self.credentials.current().token) != token
                    else { throw error }
                    refusedToken = token
                    wait = .zero
                case .status(let status) where status.code == 429 || status.code == 503 && status.retryAfter != nil:
                    guard attempt < limits.attempts else { throw error }
                    wait = min(status.retryAfter ?? .seconds(1), limits.longestRetryWait)
                case .connection where call.isRepeatable && attempt == 1:
                    // A kept connection may have been closed at the other end meanwhile.
                    wait = .zero
                default: throw error
                }
                attempt += 1
                if wait > .zero {
                    do { try await pause(wait) } catch { throw .cancelled }
                }
            }
        }
    }

    private func exchange(_ request: HTTPClientRequest) async throws(KubernetesError) -> [UInt8] {
        let (http, limits) = (http, limits)
        do {
            return try await withDeadline(limits.callTimeout) {
                // The deadline of the library ends with the head of the answer; ours is around the whole.
                let response = try await http.execute(request, deadline: .distantFuture)
                guard (200...299).contains(response.status.code) else {
                    throw KubernetesError.status(await Self.status(of: response))
                }
                let body = try await response.body.collect(upTo: limits.answerBytes)
                return Array(body.readableBytesView)
            }
        } catch {
            throw Self.error(error)
        }
    }

    /// What a refusal says, in the server's words where it is a Status.
    static func status(of response: HTTPClientResponse) async -> KubernetesStatus {
        let body = (try? await response.body.collect(upTo: 256 << 10)) ?? ByteBuffer()
        let header = response.headers.first(name: "Retry-After").flatMap { Int64($0) }
            .flatMap { (0...86400).contains($0) ? Duration.seconds($0) : nil }
        let code = Int(response.status.code)
        guard let said = try? JSONDecoder().decode(KubernetesStatus.self, from: Data(body.readableBytesView)) else {
            // Something between us and the server: its text helps whoever looks for it.
            let text = String(decoding: body.readableBytesView.prefix(200), as: UTF8.self)
            return KubernetesStatus(code: code, message: text.oneLine, retryAfter: header)
        }
        return KubernetesStatus(
            code: code, reason: said.reason, message: said.message.oneLine, causes: said.causes,
            retryAfter: header ?? said.retryAfter)
    }

    static func error(_ error: any Error) -> KubernetesError {
        switch error {
        case let error as KubernetesError: error
        case is CancellationError: .cancelled
        case let error as NIOTooManyBytesError: .tooLarge(limit: error.maxBytes ?? 0)
        case let error as HTTPClientError where error == .cancelled: .cancelled
        default: .connection("\(error)".oneLine)
        }
    }
}

extension String {
    /// For a log: one line, no control characters, at most 500 characters.
    var oneLine: String {
        String(self.prefix(500).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? " " : $0 })
    }
}
