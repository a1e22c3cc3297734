import NIOCore

/// A client's TCP connection: questions in any number, answers as they come.
///
/// Reads only while few of its questions are open and its answers are taken. Closed when it asks nothing for a while: a
/// part of a question does not count, so nobody holds a connection by a byte now and then.
/// Source: RFC 7766.
final class StreamConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let service: DNSService
    private let limit: Int
    private let idle: TimeAmount
    private var frames = DNSFrames()
    private var open = 0
    private var isReadHeld = false
    private var isWorking = false
    /// The client will send no more, or may not.
    private var isEnding = false
    private var idleTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(_ service: DNSService) {
        self.service = service
        limit = service.settings.pipelineLimit
        idle = TimeAmount(service.settings.connectionIdle)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        idleTimer?.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        armIdle()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleTimer?.cancel()
        service.connectionClosed(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.append(unwrapInboundIn(data))
        work()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        work()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Answers what was asked, then closes.
    func finish() {
        isEnding = true
        if open == 0 { context?.close(promise: nil) }
    }

    func close() { context?.close(promise: nil) }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        open < limit && context.channel.isWritable && !isEnding
    }

    /// Takes questions up, and lets more be read when there is room.
    private func work() {
        // An answer that comes at once calls this again from inside.
        guard !isWorking, let context else { return }
        isWorking = true
        defer { isWorking = false }
        while open < limit, context.channel.isWritable, let bytes = frames.next() { ask(bytes, context.channel) }
        if isReadHeld, mayRead(context) {
            isReadHeld = false
            context.read()
        }
    }

    private func ask(_ bytes: [UInt8], _ channel: any Channel) {
        open += 1
        idleTimer?.cancel()
        idleTimer = nil
        service.handle(bytes, over: .tcp, from: channel.remoteAddress) { [self] reply in
            open -= 1
            guard let context else { return }
            if let reply, reply.count <= Int(UInt16.max) {
                var buffer = context.channel.allocator.buffer(capacity: reply.count + 2)
                buffer.writeInteger(UInt16(reply.count))
                buffer.writeBytes(reply)
                context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            } else {
                // Bytes that are no message at all: nothing after them can be trusted.
                isEnding = true
            }
            if open == 0 {
                if isEnding, frames.byteCount == 0 || reply == nil { return context.close(promise: nil) }
                armIdle()
            }
            work()
        }
    }

    private func armIdle() {
        guard let context else { return }
        idleTimer?.cancel()
        idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: idle) { [self] in
            self.context?.close(promise: nil)
        }
    }
}
