import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One connection to an `AdminServer`: HTTP/1.1 with small limits, answers compressed for whoever asks.
struct AdminChannel: ServerChildChannel, HTTPChannelHandler {
    /// How long a client may take for the head of its first request, and for the body of each.
    static let headerTimeout = TimeAmount.seconds(2)
    /// How long a connection may wait for its next request: longer than the usual pause between two scrapes.
    static let idleTimeout = TimeAmount.seconds(75)
    /// How long an answer may take when the process is about to end.
    static let farewell = TimeAmount.seconds(5)
    static let headerLimit = 8 << 10
    static let bodyLimit = 8 << 10

    let responder: Responder

    init(responder: @escaping Responder) { self.responder = responder }

    func setup(
        channel: any Channel, logger: Logger
    ) -> EventLoopFuture<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = Self.headerLimit
            limits.maxHeaderListSize = Self.headerLimit
            limits.maxHeaderFieldCount = 100
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(RequestLimits())
            try pipeline.addHandler(HTTPResponseCompressor())
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    /// Answers what comes on an accepted connection, of which nothing has been read.
    func serve(_ channel: any Channel, among crowd: AdminCrowd, logger: Logger) async {
        let ready = channel.eventLoop.flatSubmit { setup(channel: channel, logger: logger) }
        guard let value = try? await ready.get() else { return channel.close(promise: nil) }
        crowd.add(channel)
        try? await channel.setOption(.autoRead, value: true).get()
        await handle(value: value, logger: logger)
    }

    func handle(value: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

/// Closes a connection whose client is slow to ask or sends too much: whoever opens many must not hold them for nothing.
final class RequestLimits: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var alarm: Scheduled<Void>?
    private var bodyBytes = 0
    private var isReading = false
    /// Requests that have begun and are not answered yet.
    private var unanswered = 0
    /// Answers that the socket has not taken to the end.
    private var unsent = 0
    /// Nothing was asked yet.
    private var isFresh = true
    private var isEnding = false

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { schedule(context, after: AdminChannel.headerTimeout) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

    func channelActive(context: ChannelHandlerContext) {
        schedule(context, after: AdminChannel.headerTimeout)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isFresh = false
            bodyBytes = 0
            isReading = true
            unanswered += 1
            schedule(context, after: isEnding ? AdminChannel.farewell : AdminChannel.headerTimeout)
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= AdminChannel.bodyLimit else { return context.close(promise: nil) }
        case .end:
            isReading = false
            rest(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        unanswered -= 1
        unsent += 1
        rest(context)
        let promise = promise ?? context.eventLoop.makePromise()
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.unsent -= 1
            self.leave(context)
        }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is AdminCrowd.Ending else { return context.fireUserInboundEventTriggered(event) }
        isEnding = true
        // A new connection keeps the time that it has for its first request: that may be on its way.
        if isFresh { return }
        schedule(context, after: AdminChannel.farewell)
        leave(context)
    }

    /// Once the process ends: closes what waits for nothing.
    private func leave(_ context: ChannelHandlerContext) {
        if isEnding, unanswered == 0, unsent == 0 { context.close(promise: nil) }
    }

    /// Answers what is no HTTP here, before it can reach the compressor: that one has no request to answer then, and traps.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.fireErrorCaught(error) }
        if unanswered == 0 {
            let head = HTTPResponseHead(
                version: .http1_1, status: .badRequest, headers: ["connection": "close", "content-length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.close(promise: nil)
    }

    /// Waits for the next request, or without limit for our own answer; a request that is still coming keeps its limit.
    private func rest(_ context: ChannelHandlerContext) {
        if isReading || isEnding { return }
        if unanswered > 0 { disarm() } else { schedule(context, after: AdminChannel.idleTimeout) }
    }

    private func schedule(_ context: ChannelHandlerContext, after time: TimeAmount) {
        disarm()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }

    private func disarm() {
        alarm?.cancel()
        alarm = nil
    }
}
