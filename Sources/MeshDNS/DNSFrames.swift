import NIOCore

/// Messages of a TCP connection, each behind its length.
///
/// Source: RFC 1035, section 4.2.2. Holds at most what was appended and not taken.
struct DNSFrames {
    private var buffer = ByteBuffer()

    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    }

    /// The next whole message, or `nil` while more bytes are needed.
    mutating func next() -> [UInt8]? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt16.self),
            buffer.readableBytes >= 2 + Int(length)
        else { return nil }
        buffer.moveReaderIndex(forwardBy: 2)
        let bytes = buffer.readBytes(length: Int(length))
        buffer.discardReadBytes()
        return bytes
    }

    var byteCount: Int { buffer.readableBytes }
}
