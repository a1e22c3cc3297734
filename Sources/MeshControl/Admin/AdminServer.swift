import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import MeshCA
package import MeshCore
import MeshLinux
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

    /// Serves until the end is announced, or until cancelled.
    ///
    /// - Parameters:
    ///   - leaving: ends when this process begins to drain. From then on the address is given up as soon as a successor
    ///     listens there, so that nobody who asks it is answered by us; without one we go on answering.
    ///   - ending: ends when this process is about to. Nobody is accepted then, and whoever was gets an answer to what
    ///     was asked; see `AdminCrowd`.
    ///   - bound: called once with the port that is listened on.
    /// - Throws: unavailable, when the address cannot be bound.
    package func run(
        leaving: AsyncStream<Never> = AsyncStream { _ in }, ending: AsyncStream<Never> = AsyncStream { _ in },
        bound: @Sendable @escaping (Int) async -> Void
    ) async throws {
        let address = listening.address
        do {
            try await serve(address, leaving, ending, bound)
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            if Self.isMissing(error) {
                if listening.isOptional { return await untilOver(ending) }
                if address.ip == .anyV6 {
                    let v4 = Listening(
                        MeshCore.SocketAddress(.anyV4, address.port), isShared: listening.isShared)
                    return try await AdminServer(v4, purpose: purpose, logger: logger, answer: answer)
                        .run(leaving: leaving, ending: ending, bound: bound)
                }
            }
            throw MeshFailure(
                .unavailable, doing: "listen on \(address) for \(purpose)",
                reason: "\(error)" + (Self.isTaken(error) ? "; is another proxy running there?" : ""))
        }
    }

    /// The machine has no such address, as where IPv6 is off.
    private static func isMissing(_ error: any Error) -> Bool {
        (error as? KernelError).map { [EADDRNOTAVAIL, EAFNOSUPPORT].contains($0.code) } ?? false
    }

    private static func isTaken(_ error: any Error) -> Bool { (error as? KernelError)?.code == EADDRINUSE }

    /// Until the end is announced, or the task is cancelled.
    private func untilOver(_ ending: AsyncStream<Never>) async { for await _ in ending {} }

    /// A listening socket that its successor inherits, with those who wait there.
    private func listen(_ address: MeshCore.SocketAddress, isShared: Bool) throws(KernelError) -> Int32 {
        let (descriptor, _) = try TCPSocket.listen(
            address, reusePort: isShared, transparent: false, options: SocketOptions(), backlog: 256)
        if isShared { _ = TCPSocket.letSuccessorInherit(descriptor) }
        return descriptor
    }

    private func serve(
        _ address: MeshCore.SocketAddress, _ leaving: AsyncStream<Never>, _ ending: AsyncStream<Never>,
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
        let crowd = AdminCrowd()
        // Not NIO's own sequence of connections: one that is accepted as that ends is dropped, and traps.
        let (arrivals, arrived) = AsyncStream.makeStream(of: (any Channel).self)
        let server = try await ServerBootstrap(group: ControlEventLoop.group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Until somebody is there to hear it.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                if case .terminated = arrived.yield(channel) { channel.close(promise: nil) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .withBoundSocket(listen(address, isShared: isShared)).get()
        server.closeFuture.whenComplete { _ in
            // Behind those who were accepted in the last turns of the loop.
            server.eventLoop.scheduleTask(in: .milliseconds(100)) { arrived.finish() }
        }
        await bound(server.localAddress?.port ?? Int(address.port))
        await withTaskGroup(of: Void.self) { group in
            if isShared {
                group.addTask {
                    for await _ in leaving {}
                    while ListeningSockets.count(on: address) < 2 {
                        guard (try? await Task.sleep(for: .milliseconds(250))) != nil else { return }
                    }
                    // What was asked of us before is answered still.
                    server.close(promise: nil)
                }
            }
            group.addTask {
                for await _ in ending {}
                server.close(promise: nil)
                crowd.end()
            }
            await withDiscardingTaskGroup { connections in
                for await channel in arrivals {
                    connections.addTask { await connection.serve(channel, among: crowd, logger: quiet) }
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
