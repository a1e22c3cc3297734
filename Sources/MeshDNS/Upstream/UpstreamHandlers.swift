import NIOCore

/// Hands what a UDP socket hears to its exchange.
final class UpstreamDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let exchange: Exchange
    private let turn: Int

    init(_ exchange: Exchange, turn: Int) {
        self.exchange = exchange
        self.turn = turn
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange.received(Array(unwrapInboundIn(data).data.readableBytesView), turn: turn, overTCP: false)
    }

    /// ICMP's "port unreachable" comes here.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        exchange.failed("\(error)", turn: turn)
    }
}

/// Hands what a TCP socket hears to its exchange.
final class UpstreamStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let exchange: Exchange
    private let turn: Int
    private var frames = DNSFrames()

    init(_ exchange: Exchange, turn: Int) {
        self.exchange = exchange
        self.turn = turn
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.append(unwrapInboundIn(data))
        while let bytes = frames.next() { exchange.received(bytes, turn: turn, overTCP: true) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        exchange.failed("\(error)", turn: turn)
    }

    func channelInactive(context: ChannelHandlerContext) {
        exchange.failed("it closed the connection", turn: turn)
    }
}
