import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import MeshCA
package import MeshCore
import NIOCore

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

    /// Where to listen, and what happens when the machine has no such address.
    package struct Listening: Sendable {
        package var address: MeshCore.SocketAddress
        /// The address may be missing on this machine: nothing is served there then.
        package var isOptional = false

        package init(_ address: MeshCore.SocketAddress, isOptional: Bool = false) {
            self.address = address
            self.isOptional = isOptional
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
    /// - Parameter bound: called once with the port that is listened on.
    /// - Throws: unavailable, when the address cannot be bound.
    package func run(bound: @Sendable @escaping (Int) async -> Void) async throws {
        let address = listening.address
        do {
            try await serve(address, bound)
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            if Self.isMissing(error) {
                if listening.isOptional { return await untilCancelled() }
                // A resolver that knows no IPv6 here does not take "::"; IPv4 is then all there is.
                if address.ip == .anyV6 {
                    let v4 = Listening(MeshCore.SocketAddress(.anyV4, address.port))
                    return try await AdminServer(v4, purpose: purpose, logger: logger, answer: answer).run(bound: bound)
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

    private func serve(_ address: MeshCore.SocketAddress, _ bound: @Sendable @escaping (Int) async -> Void) async throws
    {
        var quiet = logger
        quiet.logLevel = .error
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) -> Response in
            await self.respond(to: request)
        }
        let application = Application(
            responder: responder, server: HTTPServerBuilder { AdminChannel(responder: $0) },
            configuration: .init(address: .hostname("\(address.ip)", port: Int(address.port)), serverName: nil),
            onServerRunning: { channel in await bound(channel.localAddress?.port ?? Int(address.port)) },
            eventLoopGroupProvider: .shared(ControlEventLoop.group), logger: quiet)
        try await application.run()
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
