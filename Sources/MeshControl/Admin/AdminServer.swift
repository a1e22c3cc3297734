import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import MeshCA
package import MeshCore
import NIOCore
import NIOPosix

/// A small HTTP/1.1 server for one purpose, on a port of its own: a slow scrape never meets a readiness probe.
package struct AdminServer: Sendable {
    /// What is answered: status, content type and text.
    package struct Answer: Sendable {
        package var status: Int
        package var contentType: String
        package var bytes: [UInt8]
        /// Done once the answer is on its way: what ends the process must not overtake it.
        package var after: (@Sendable () -> Void)?

        package init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", text: String) {
            self.init(status: status, contentType: contentType, bytes: Array(text.utf8))
        }

        package init(status: Int = 200, contentType: String, bytes: [UInt8]) {
            self.status = status
            self.contentType = contentType
            self.bytes = bytes
        }

        package var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// What is asked.
    package struct Question: Sendable {
        package var method: String
        package var path: String
        /// Value by name of the query, decoded; the first of several.
        package var query: [String: String] = [:]
        package var accept = ""
        /// Set by browsers for requests that a page makes.
        package var origin: String?

        package init(method: String = "GET", path: String, query: [String: String] = [:], accept: String = "") {
            self.method = method
            self.path = path
            self.query = query
            self.accept = accept
        }
    }

    /// Where to listen, with whom, and what happens when the machine has no such address.
    package struct Listening: Sendable {
        package var address: MeshCore.SocketAddress
        /// The address may be missing on this machine: nothing is served there then.
        package var isOptional = false
        /// Another process may listen there too, as a successor does. Default true; never for a port that the kernel
        /// chooses, which it may give to two who share.
        package var isShared = true

        package init(_ address: MeshCore.SocketAddress, isOptional: Bool = false, isShared: Bool = true) {
            self.address = address
            self.isOptional = isOptional
            self.isShared = isShared
        }
    }

    private let listening: Listening
    let purpose: String
    private let logger: Logger
    private let answer: @Sendable (Question) async -> Answer

    package init(
        _ address: MeshCore.SocketAddress, purpose: String, logger: Logger,
        answer: @Sendable @escaping (Question) async -> Answer
    ) {
        self.init(Listening(address), purpose: purpose, logger: logger, answer: answer)
    }

    package init(
        _ listening: Listening, purpose: String, logger: Logger,
        answer: @Sendable @escaping (Question) async -> Answer
    ) {
        self.listening = listening
        self.purpose = purpose
        self.logger = logger
        self.answer = answer
    }

    /// Serves until cancelled.
    ///
    /// - Parameters:
    ///   - leaving: ends when this process begins to drain. From then on the address is given up as soon as a successor
    ///     listens there, so that nobody who asks it is answered by us; without one we go on answering.
    ///   - bound: called once with the port that is listened on.
    /// - Throws: unavailable, when the address cannot be bound.
    package func run(
        leaving: AsyncStream<Never> = AsyncStream { _ in }, bound: @Sendable @escaping (Int) async -> Void
    ) async throws {
        let address = listening.address
        do {
            try await serve(address, leaving, bound)
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            if Self.isMissing(error) {
                if listening.isOptional { return await untilCancelled() }
                // A resolver that knows no IPv6 here does not take "::"; IPv4 is then all there is.
                if address.ip == .anyV6 {
                    let v4 = Listening(
                        MeshCore.SocketAddress(.anyV4, address.port), isShared: listening.isShared)
                    return try await AdminServer(v4, purpose: purpose, logger: logger, answer: answer)
                        .run(leaving: leaving, bound: bound)
                }
            }
            throw MeshFailure(
                .unavailable, doing: "listen on \(address) for \(purpose)",
                reason: "\(error); is another proxy running there?")
        }
    }

    /// The machine has no such address, as where IPv6 is off.
    private static func isMissing(_ error: any Error) -> Bool {
        if let error = error as? IOError { return [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.errnoCode) }
        return "\(error)".contains("UnknownHost")
    }

    private func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    private func serve(
        _ address: MeshCore.SocketAddress, _ leaving: AsyncStream<Never>,
        _ bound: @Sendable @escaping (Int) async -> Void
    ) async throws {
        var logger = logger
        logger.logLevel = .error
        let quiet = logger
        let connection = AdminChannel { request, writer, _ in
            let response = await respond(to: request)
            try await writer.write(response: response.head, body: response.body)
        }
        let isShared = listening.isShared && address.port != 0
        let server = try await ServerBootstrap(group: ControlEventLoop.group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: isShared ? 1 : 0)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "\(address.ip)", port: Int(address.port)) { channel in
                connection.setup(channel: channel, logger: quiet)
            }
        await bound(server.channel.localAddress?.port ?? Int(address.port))
        try await withThrowingTaskGroup(of: Void.self) { group in
            if isShared {
                group.addTask {
                    for await _ in leaving {}
                    while ListeningSockets.count(on: address) < 2 { try await Task.sleep(for: .milliseconds(250)) }
                    // What was asked of us before is answered still.
                    try await server.channel.close()
                }
            }
            try await withThrowingDiscardingTaskGroup { connections in
                try await server.executeThenClose { accepted in
                    for try await one in accepted {
                        connections.addTask { await connection.handle(value: one, logger: quiet) }
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func respond(to request: Request) async -> Response {
        // Nothing that is asked here has a body; a long one is not waited for.
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > AdminChannel.bodyLimit {
            return Self.response(.init(status: 413, text: "the body is too long\n"), closes: true)
        }
        var question = Question(method: request.method.rawValue, path: request.uri.path)
        for (name, value) in request.uri.queryParameters where question.query[String(name)] == nil {
            question.query[String(name)] = String(value)
        }
        question.accept = request.headers[.accept] ?? ""
        question.origin = request.headers[.origin]
        return Self.response(await answer(question), closes: false)
    }

    private static func response(_ answer: Answer, closes: Bool) -> Response {
        var headers: HTTPFields = [.contentType: answer.contentType, .cacheControl: "no-store"]
        if closes { headers[.connection] = "close" }
        var body = ResponseBody(byteBuffer: ByteBuffer(bytes: answer.bytes))
        if let after = answer.after {
            body = ResponseBody(contentLength: answer.bytes.count) { writer in
                try await writer.write(ByteBuffer(bytes: answer.bytes))
                try await writer.finish(nil)
                after()
            }
        }
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }
}
