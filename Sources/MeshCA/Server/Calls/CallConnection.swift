import GRPCCore
import Logging
import MeshCore
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import SwiftASN1
import SwiftProtobuf
import X509

/// The unary calls of one connection: HTTP/2 frames in, the decision, HTTP/2 frames out, all on the connection's loop.
///
/// There is one method, its messages are small, and whoever asks waits for the answer: a channel and a stream of parts for
/// each call would cost more than the answer. Decision 15 has the figures.
final class CallConnection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    static let path = "/\(CreateCertificateMethod.descriptor.fullyQualifiedMethod)"

    /// Streams that a client may have open.
    static let maxStreams = 100
    static var configuration: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            .init(parameter: .maxConcurrentStreams, value: maxStreams),
            .init(parameter: .maxHeaderListSize, value: 16 << 10),
        ]
        // What is under way of refused calls must not end the others.
        configuration.maximumRecentlyResetStreams = 4 * maxStreams
        return configuration
    }
    /// Connections without a call end after it.
    static let idleLimit = TimeAmount.seconds(600)
    /// Requests that are not whole after it end: what is kept of them costs memory.
    static let wholeLimit = TimeAmount.seconds(10)
    /// Answers that the client has not taken after it are dropped.
    static let takenLimit = TimeAmount.seconds(60)
    /// Bytes of such requests that one connection may have.
    static let heldLimit = 2 * (CallBody.prefix + CallBody.limit)
    private static let lookInterval = TimeAmount.seconds(5)
    /// Bytes that a client may send ahead, in a call and in all: what HTTP/2 begins with.
    private static let window = 65535

    private struct Call {
        enum Stage {
            case collecting(CallHead, CallBody)
            case deciding(Task<Void, Never>, deadline: Scheduled<Void>?)
            /// Until its last frame has left, which the client's window may hold up.
            case answered
        }

        var stage: Stage
        let begun = NIODeadline.now()

        /// Bytes of a request that is not whole.
        var held: Int { if case .collecting(_, let body) = stage { body.count } else { 0 } }

        func abandon() {
            guard case .deciding(let work, let deadline) = stage else { return }
            work.cancel()
            deadline?.cancel()
        }
    }

    private let issuance: CertificateIssuance
    private let executor: LoopTaskExecutor
    private var calls: [HTTP2StreamID: Call] = [:]
    private var newest = HTTP2StreamID.rootStream
    private var peer = ""
    /// Read once, when the first call comes; the inner `nil` is a client without one.
    private var certificate: Certificate??
    private var context: ChannelHandlerContext?
    private var willFlush = false
    private var isDraining = false
    private var calm = NIODeadline.now()
    private var looks: RepeatedTask?

    init(_ issuance: CertificateIssuance, _ loop: any EventLoop) {
        self.issuance = issuance
        executor = LoopTaskExecutor(loop)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        peer = Self.name(context.remoteAddress)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        looks = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.lookInterval, delay: Self.lookInterval) { _ in
            bound.value.endWhatLasts()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        looks?.cancel()
        for call in calls.values { call.abandon() }
        calls = [:]
        context = nil
    }

    private func endWhatLasts() {
        let now = NIODeadline.now()
        if calls.isEmpty, now - calm >= Self.idleLimit { return drain() }
        for (id, call) in calls {
            switch call.stage {
            case .collecting where now - call.begun >= Self.wholeLimit:
                end(id, CallStatus(.deadlineExceeded, "the request was not whole in time"), complete: false)
            case .answered where now - call.begun >= Self.takenLimit: refuse(id, .cancel)
            default: break
            }
        }
    }

    /// Takes no new calls, and closes when the open ones are answered.
    ///
    /// Calls that cross this are refused unprocessed, and asked elsewhere. The number of the last one is said at the end:
    /// frames beyond it would be a fault of the client's, which ends all.
    private func drain() {
        guard let context, !isDraining else { return }
        isDraining = true
        write(.rootStream, .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        context.flush()
        closeWhenDone()
    }

    /// Not at once: the end of a stream is told before the frame that ends it is on its way.
    private func closeWhenDone() {
        guard isDraining, calls.isEmpty, let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            guard let context = bound.value.context, bound.value.calls.isEmpty else { return }
            bound.value.write(
                .rootStream, .goAway(lastStreamID: bound.value.newest, errorCode: .noError, opaqueData: nil))
            context.flush()
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is OpenConnections.Drain: drain()
        case let event as NIOHTTP2WindowUpdatedEvent:
            if let left = event.inboundWindowSize { giveCredit(event.streamID, left: left) }
        case let closed as StreamClosedEvent:
            calls.removeValue(forKey: closed.streamID)?.abandon()
            if calls.isEmpty { calm = .now() }
            closeWhenDone()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One stream went wrong: the rest goes on.
        if error is NIOHTTP2Errors.StreamError { return }
        issuance.logger.debug(
            "connection ended", metadata: [LogKey.peer: "\(peer)", LogKey.reason: "\(error)"])
        context.close(promise: nil)
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): begin(frame.streamID, headers)
        case .data(let data): add(frame.streamID, data)
        default: break
        }
    }

    private func begin(_ id: HTTP2StreamID, _ headers: HTTP2Frame.FramePayload.Headers) {
        // Trailers of a request say nothing that is wanted here, but they may be its end.
        guard calls[id] == nil else {
            if headers.endStream { finish(id) }
            return
        }
        guard !isDraining else { return refuse(id, .refusedStream) }
        newest = max(newest, id)
        do throws(CallHead.Refusal) {
            calls[id] = Call(stage: .collecting(try CallHead(headers.headers, path: Self.path), CallBody()))
        } catch {
            calls[id] = Call(stage: .answered)
            switch error {
            case .http(let status): close(id, [(":status", status)], complete: headers.endStream)
            case .status(let status): end(id, status, complete: headers.endStream)
            }
            return
        }
        if headers.endStream { finish(id) }
    }

    private func add(_ id: HTTP2StreamID, _ data: HTTP2Frame.FramePayload.Data) {
        guard case .byteBuffer(let bytes) = data.data else { return }
        guard case .collecting(let head, var body) = calls[id]?.stage else { return }
        // Bytes are added in place only where nobody else holds them.
        calls[id]?.stage = .answered
        do throws(CallStatus) {
            try body.add(bytes)
        } catch {
            return end(id, error, complete: data.endStream)
        }
        guard data.endStream || calls.values.reduce(body.count, { $0 + $1.held }) <= Self.heldLimit else {
            return end(
                id, CallStatus(.resourceExhausted, "the connection has too many unfinished requests"), complete: false)
        }
        calls[id]?.stage = .collecting(head, body)
        if data.endStream { finish(id) }
    }

    /// Bytes of calls that were refused count too, although nobody sees them here: so this goes by what is left.
    private func giveCredit(_ id: HTTP2StreamID, left: Int) {
        guard left <= Self.window / 2, id == .rootStream || calls[id] != nil else { return }
        write(id, .windowUpdate(windowSizeIncrement: Self.window - left))
        flushLater()
    }

    /// The request is whole.
    private func finish(_ id: HTTP2StreamID) {
        guard case .collecting(let head, let body) = calls[id]?.stage, let context else { return }
        let request: IstioCertificateRequest
        do {
            request = try IstioCertificateRequest(serializedBytes: try body.message())
        } catch let status as CallStatus {
            return end(id, status, complete: true)
        } catch {
            return end(
                id, CallStatus(.invalidArgument, "the message is no IstioCertificateRequest"),
                complete: true)
        }
        var credentials = PresentedCredentials()
        credentials.authorization = head.authorization
        credentials.clusterID = head.clusterID
        credentials.peer = peer
        credentials.certificate = clientCertificate(context)
        let (bound, loop) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop)
        let deadline = head.timeout.map { timeout in
            loop.scheduleTask(in: timeout) {
                bound.value.end(id, CallStatus(.deadlineExceeded, "not decided in time"), complete: true)
            }
        }
        let work = Task(executorPreference: executor) { [issuance] in
            let answer: Result<IstioCertificateResponse, CallStatus>
            do throws(Refusal) {
                answer = .success(try await issuance.create(request, by: credentials))
            } catch {
                answer = .failure(CallStatus(error))
            }
            loop.execute { bound.value.answer(id, answer) }
        }
        calls[id]?.stage = .deciding(work, deadline: deadline)
    }

    private func clientCertificate(_ context: ChannelHandlerContext) -> Certificate? {
        if let certificate { return certificate }
        let shown = try? context.pipeline.syncOperations.nioSSL_peerCertificate()?.toDERBytes()
        let read = shown.flatMap { try? Certificate(derEncoded: $0) }
        certificate = .some(read)
        return read
    }

    // MARK: Answers

    private func answer(_ id: HTTP2StreamID, _ answer: Result<IstioCertificateResponse, CallStatus>) {
        guard case .deciding = calls[id]?.stage, let context else { return }
        let message: [UInt8]
        do {
            message = try answer.get().serializedBytes()
        } catch {
            return end(
                id, error as? CallStatus ?? CallStatus(.internalError, "no answer could be made"),
                complete: true)
        }
        write(
            id, .headers(.init(headers: HPACKHeaders([(":status", "200"), ("content-type", "application/grpc")]))))
        var bytes = context.channel.allocator.buffer(capacity: CallBody.prefix + message.count)
        bytes.writeInteger(UInt8(0))
        bytes.writeInteger(UInt32(message.count))
        bytes.writeBytes(message)
        write(id, .data(.init(data: .byteBuffer(bytes))))
        close(id, [("grpc-status", "0")], complete: true)
    }

    /// Ends a call without an answer.
    private func end(_ id: HTTP2StreamID, _ status: CallStatus, complete: Bool) {
        close(
            id,
            [
                (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "\(status.code.rawValue)"),
                ("grpc-message", status.headerMessage),
            ], complete: complete)
    }

    /// - Parameter complete: whether the request is whole; the rest of one that is not is not waited for.
    private func close(_ id: HTTP2StreamID, _ headers: [(String, String)], complete: Bool) {
        calls[id]?.abandon()
        calls[id]?.stage = .answered
        write(id, .headers(.init(headers: HPACKHeaders(headers), endStream: true)))
        if !complete { write(id, .rstStream(.noError)) }
        flushLater()
    }

    private func refuse(_ id: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        write(id, .rstStream(code))
        flushLater()
    }

    private func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
        context?.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
    }

    /// Answers that are ready together leave in one record of TLS.
    private func flushLater() {
        guard let context, !willFlush else { return }
        willFlush = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.willFlush = false
            bound.value.context?.flush()
        }
    }

    /// As gRPC names addresses: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`.
    private static func name(_ address: NIOCore.SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "unknown" }
        return address.protocol == .inet6 ? "ipv6:[\(host)]:\(port)" : "ipv4:\(host):\(port)"
    }
}
