import FoundationEssentials
import MeshCA
package import MeshCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks the admin port of a running proxy.
package struct AdminClient: Sendable {
    private let address: MeshCore.SocketAddress
    private let timeout: Duration
    /// Largest answer that is taken, in bytes.
    static let answerLimit = ConfigDump.byteLimit

    /// - Parameter timeout: for a whole call.
    package init(_ address: MeshCore.SocketAddress, timeout: Duration = .seconds(10)) {
        self.address = address
        self.timeout = timeout
    }

    // MARK: Calls

    package func dump() async throws(MeshFailure) -> ConfigDump {
        try ConfigDump(parsing: await get("/config_dump", doing: "read the config dump"), origin: "of \(address)")
    }

    /// - Parameter doing: what it is read for, as messages say it.
    package func status(doing: String = "read the status") async throws(MeshFailure) -> ProxyStatus {
        try await decoded("/stats", doing: doing)
    }

    package func connections() async throws(MeshFailure) -> [ConnectionDump] {
        try await decoded("/connections", doing: "list connections")
    }

    package func tunnels() async throws(MeshFailure) -> [HBONETunnelDump] {
        try await decoded("/tunnels", doing: "list tunnels")
    }

    package func explain(_ question: ConnectionQuestion) async throws(MeshFailure) -> ConnectionExplanation {
        var query = [("to", question.to)]
        if let from = question.from { query.append(("from", from)) }
        if question.isPlaintext { query.append(("plaintext", "true")) }
        return try await decoded(URLText.path("/explain", query), doing: "explain a connection")
    }

    /// - Parameters:
    ///   - levels: `nil` shows what is in force.
    /// - Returns: the levels in force.
    package func logLevel(_ levels: String?, reset: Bool) async throws(MeshFailure) -> String {
        var query: [(String, String)] = []
        if let levels { query.append(("level", levels)) }
        if reset { query.append(("reset", "true")) }
        let doing = query.isEmpty ? "read the log level" : "set the log level"
        let answer = try await post(URLText.path("/logging", query), doing: doing)
        let lead = AdminPages.logLevelLead
        let text = answer.trimmingSuffix { $0 == "\n" }
        return String(text.hasPrefix(lead) ? text.dropFirst(lead.count) : text)
    }

    /// - Returns: how the proxy stood when it was told.
    package func drain() async throws(MeshFailure) -> ProxyStatus {
        let doing = "begin the drain"
        let status = try await self.status(doing: doing)
        _ = try await post("/drain", doing: doing)
        return status
    }

    // MARK: HTTP

    private func get(_ path: String, doing: String) async throws(MeshFailure) -> [UInt8] {
        try await call(.GET, path, doing)
    }

    private func post(_ path: String, doing: String) async throws(MeshFailure) -> String {
        String(decoding: try await call(.POST, path, doing), as: UTF8.self)
    }

    private func decoded<Value: Decodable>(_ path: String, doing: String) async throws(MeshFailure) -> Value {
        let bytes = try await get(path, doing: doing)
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw MeshFailure(
                .corrupt, doing: "\(doing) of the proxy at \(address)",
                reason: "\(JSONProblem.text(error)); is it a meshctl of another version?")
        }
    }

    private func call(_ method: HTTPMethod, _ path: String, _ doing: String) async throws(MeshFailure) -> [UInt8] {
        let what = "\(doing) of the proxy at \(address)"
        let head: HTTPResponseHead
        let bytes: [UInt8]
        do {
            (head, bytes) = try await withTimeout { try await exchange(method, path) }
        } catch let failure as MeshFailure {
            throw failure
        } catch is CancellationError {
            throw MeshFailure(
                .timeout, doing: what, reason: "no answer within \(DurationText.write(timeout)); is it really a proxy?")
        } catch let error as AnswerTooLong {
            throw MeshFailure(.corrupt, doing: what, reason: "the answer is longer than \(error.limit) bytes")
        } catch let error as HTTPParserError {
            throw MeshFailure(.corrupt, doing: what, reason: "what listens there does not speak HTTP (\(error))")
        } catch {
            throw MeshFailure(
                .unavailable, doing: what,
                reason: "\(Self.reason(error)); is it running, in this network namespace? --address names another port")
        }
        let status = head.status
        guard status == .ok else {
            // A proxy says in plain words why not; the page of some other server is no reason.
            guard head.headers.first(name: "content-type")?.hasPrefix("text/plain") == true else {
                throw MeshFailure(
                    .corrupt, doing: what,
                    reason: "what listens there is no proxy (HTTP status \(status.code)); --address names another port")
            }
            let text = String(decoding: bytes.prefix(2000), as: UTF8.self).trimmingSuffix { $0 == "\n" }
            let first = text.split(separator: "\n").first.map(String.init) ?? "status \(status.code)"
            switch status {
            case .notFound: throw MeshFailure(.notFound, doing: what, reason: first)
            case .badRequest: throw MeshFailure(.usage, doing: what, reason: first)
            case .forbidden: throw MeshFailure(.denied, doing: what, reason: first)
            default: throw MeshFailure(.unavailable, doing: what, reason: "status \(status.code): \(first)")
            }
        }
        return bytes
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return KernelError.text(error.errnoCode) }
        if let error = error as? NIOConnectionError {
            for failed in error.connectionErrors {
                if let io = failed.error as? IOError { return KernelError.text(io.errnoCode) }
            }
        }
        return "it closed the connection"
    }

    private struct AnswerTooLong: Error { let limit: Int }

    private func withTimeout<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask { [timeout] in
                try await Task.sleep(for: timeout)
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func exchange(_ method: HTTPMethod, _ path: String) async throws -> (HTTPResponseHead, [UInt8]) {
        let channel = try await ClientBootstrap(group: ControlEventLoop.group)
            .connect(host: "\(address.ip)", port: Int(address.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let head = HTTPRequestHead(
                version: .http1_1, method: method, uri: path,
                headers: ["host": "\(address)", "connection": "close", "content-length": "0", "user-agent": "meshctl"])
            try await outbound.write(contentsOf: [.head(head), .end(nil)])
            var answer: HTTPResponseHead?
            var bytes: [UInt8] = []
            for try await part in inbound {
                switch part {
                case .head(let head): answer = head
                case .body(let buffer):
                    guard bytes.count + buffer.readableBytes <= Self.answerLimit else {
                        throw AnswerTooLong(limit: Self.answerLimit)
                    }
                    bytes += buffer.readableBytesView
                case .end:
                    if let answer { return (answer, bytes) }
                }
            }
            throw ChannelError.eof
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while matches: (Character) -> Bool) -> SubSequence {
        var end = endIndex
        while end > startIndex, matches(self[index(before: end)]) { end = index(before: end) }
        return self[..<end]
    }
}
