import Hummingbird
package import Logging
import MeshCA
package import MeshCore

/// A small HTTP/1.1 server for one purpose, on a port of its own: a slow scrape never meets a readiness probe.
package struct AdminServer: Sendable {
    /// What is answered: status, content type and text.
    package struct Answer: Sendable {
        package var status: Int
        package var contentType: String
        package var text: String

        package init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", text: String) {
            self.status = status
            self.contentType = contentType
            self.text = text
        }
    }

    /// What is asked: method, path, and whether the client takes OpenMetrics.
    package struct Question: Sendable {
        package var method: String
        package var path: String
        package var accept: String
    }

    private let address: SocketAddress
    private let purpose: String
    private let logger: Logger
    private let answer: @Sendable (Question) async -> Answer

    package init(
        _ address: SocketAddress, purpose: String, logger: Logger,
        answer: @Sendable @escaping (Question) async -> Answer
    ) {
        self.address = address
        self.purpose = purpose
        self.logger = logger
        self.answer = answer
    }

    /// Serves until cancelled.
    ///
    /// - Parameter bound: called once with the port that is listened on.
    /// - Throws: unavailable, when the address cannot be bound.
    package func run(bound: @Sendable @escaping (Int) async -> Void) async throws {
        do {
            try await serve(address, bound)
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            // A resolver that knows no IPv6 here does not take "::"; IPv4 is then all there is.
            if address.ip == .anyV6, "\(error)".contains("UnknownHost") {
                return try await AdminServer(
                    SocketAddress(.anyV4, address.port), purpose: purpose, logger: logger, answer: answer
                ).run(bound: bound)
            }
            throw MeshFailure(
                .unavailable, doing: "listen on \(address) for \(purpose)",
                reason: "\(error); is another proxy running there?")
        }
    }

    private func serve(_ address: SocketAddress, _ bound: @Sendable @escaping (Int) async -> Void) async throws {
        var quiet = logger
        quiet.logLevel = .error
        let responder = CallbackResponder { (request: Request, _: BasicRequestContext) -> Response in
            let question = Question(
                method: request.method.rawValue, path: request.uri.path, accept: request.headers[.accept] ?? "")
            let answer = await self.answer(question)
            return Response(
                status: .init(code: answer.status), headers: [.contentType: answer.contentType],
                body: .init(byteBuffer: ByteBuffer(string: answer.text)))
        }
        let application = Application(
            responder: responder,
            configuration: .init(address: .hostname("\(address.ip)", port: Int(address.port)), serverName: nil),
            onServerRunning: { channel in await bound(channel.localAddress?.port ?? Int(address.port)) },
            eventLoopGroupProvider: .shared(ControlEventLoop.group), logger: quiet)
        try await application.run()
    }
}
