import MeshWire
import NIOCore

/// Questions over UDP.
final class DatagramListener: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    /// Longest question that is read; longer ones are cut by the kernel, and then are no messages.
    static let questionLimit = 4096

    private let service: DNSService

    init(_ service: DNSService) { self.service = service }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let channel = context.channel
        let client = envelope.remoteAddress
        service.handle(Array(envelope.data.readableBytesView), over: .udp, from: client) { reply in
            // A client that asks without end and never reads does not fill our memory.
            guard let reply, channel.isActive, channel.isWritable else { return }
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: client, data: ByteBuffer(bytes: reply)), promise: nil)
        }
    }

    /// An answer that could not be delivered is no reason to stop listening.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
