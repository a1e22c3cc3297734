import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

/// A request as the server saw it.
package struct SeenRequest: Sendable {
    package let method: String
    /// Without the query.
    package let path: String
    package let query: [String: String]
    package let headers: [(name: String, value: String)]
    package let body: String
    /// The client presented a certificate that was verified.
    package let hasCertificate: Bool

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
    package var bearer: String? { header("authorization").map { String($0.dropFirst("Bearer ".count)) } }
    package var isWatch: Bool { query["watch"] == "true" }
}

/// What the server answers.
package struct Reply: Sendable {
    package enum Step: Sendable {
        case send(String)
        /// Says nothing until the test lets go.
        case wait(AsyncStream<Void>)
        /// What a test sends, when it sends it.
        case stream(AsyncStream<String>)
        /// Closes the connection inside the answer.
        case cut
    }

    package var status = 200
    package var headers: [(String, String)] = []
    package var steps: [Step] = []

    package init(status: Int = 200, headers: [(String, String)] = [], _ steps: [Step]) {
        self.status = status
        self.headers = headers
        self.steps = steps
    }

    package static func json(_ text: String, status: Int = 200, headers: [(String, String)] = []) -> Reply {
        Reply(status: status, headers: headers, [.send(text)])
    }

    package static func refusal(
        _ code: Int, _ reason: String, message: String = "no", headers: [(String, String)] = [], details: String = "{}"
    ) -> Reply {
        .json(
            #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","#
                + #""reason":"\#(reason)","details":\#(details),"code":\#(code)}"#, status: code, headers: headers)
    }
}

/// An HTTP/1.1 server on a free port of loopback, one connection and one request at a time for each client.
package final class FakeAPIServer: Sendable {
    package typealias Answer = @Sendable (SeenRequest) async -> Reply

    private let seen = Mutex<[SeenRequest]>([])
    private let answer: Answer
    private let arrivals: AsyncStream<SeenRequest>.Continuation
    /// Every request, as it comes.
    package let requests: AsyncStream<SeenRequest>

    package var all: [SeenRequest] { seen.withLock { $0 } }

    init(answer: @escaping Answer) {
        self.answer = answer
        (requests, arrivals) = AsyncStream.makeStream()
    }

    /// - Parameter body: gets the server and its URL.
    @discardableResult
    package static func serving<T: Sendable>(
        tls: TLSConfiguration? = nil, answer: @escaping Answer,
        _ body: @Sendable (FakeAPIServer, String) async throws -> T
    ) async throws -> T {
        let server = FakeAPIServer(answer: answer)
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    return try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        let port = listener.channel.localAddress?.port ?? 0
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await withThrowingDiscardingTaskGroup { connections in
                    try await listener.executeThenClose { inbound in
                        for try await connection in inbound {
                            connections.addTask { try? await server.serve(connection) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(server, "\(context == nil ? "http" : "https")://127.0.0.1:\(port)")
        }
    }

    private func serve(_ connection: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>) async throws {
        let hasCertificate = try await connection.channel.eventLoop.submit {
            let handler = try? connection.channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            return NIOLoopBoundBox(handler, eventLoop: connection.channel.eventLoop)
        }.get()
        try await connection.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body = ""
            for try await part in inbound {
                switch part {
                case .head(let found): (head, body) = (found, "")
                case .body(let bytes): body += String(buffer: bytes)
                case .end:
                    guard let head else { return }
                    let certificate = try await connection.channel.eventLoop.submit {
                        hasCertificate.value?.peerCertificate != nil
                    }.get()
                    let request = SeenRequest(head, body, hasCertificate: certificate)
                    seen.withLock { $0.append(request) }
                    arrivals.yield(request)
                    guard try await write(await answer(request), to: outbound) else { return }
                }
            }
        }
    }

    /// - Returns: whether the connection goes on.
    private func write(
        _ reply: Reply, to outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws -> Bool {
        var headers = HTTPHeaders(reply.headers)
        if headers["content-type"].isEmpty { headers.add(name: "content-type", value: "application/json") }
        headers.add(name: "transfer-encoding", value: "chunked")
        try await outbound.write(
            .head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)))
        for step in reply.steps {
            switch step {
            case .send(let text): try await outbound.write(.body(.byteBuffer(ByteBuffer(string: text))))
            case .wait(let gate): for await _ in gate {}
            case .stream(let texts):
                for await text in texts { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: text)))) }
            case .cut: return false
            }
        }
        try await outbound.write(.end(nil))
        return true
    }
}

extension SeenRequest {
    init(_ head: HTTPRequestHead, _ body: String, hasCertificate: Bool) {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        var query: [String: String] = [:]
        for item in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = item.split(separator: "=", maxSplits: 1)
            query[String(pair[0])] = pair.count > 1 ? Self.decoded(pair[1]) : ""
        }
        self.init(
            method: head.method.rawValue, path: String(parts.first ?? ""), query: query,
            headers: head.headers.map { ($0.name, $0.value) }, body: body, hasCertificate: hasCertificate)
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
