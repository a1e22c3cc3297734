package import NIOCore

/// The one message of a unary call, as its bytes come in.
///
/// Shape: a byte that tells of compression, the length in four bytes, the message. Source: grpc/grpc
/// `doc/PROTOCOL-HTTP2.md`, "Length-Prefixed-Message".
package struct CallBody {
    package static let prefix = 5

    /// Bytes of a message; a signing request has at most half of that.
    package static let limit = 128 << 10

    private var bytes: ByteBuffer?

    package init() {}

    /// Bytes that are kept.
    package var count: Int { bytes?.readableBytes ?? 0 }

    /// - Throws: what is wrong with it, as soon as that can be told.
    package mutating func add(_ more: ByteBuffer) throws(CallStatus) {
        var more = more
        if bytes == nil { bytes = more } else { bytes?.writeBuffer(&more) }
        guard let bytes else { return }
        let start = bytes.readerIndex
        if let compressed = bytes.getInteger(at: start, as: UInt8.self), compressed != 0 {
            throw CallStatus(.unimplemented, "the message is compressed")
        }
        if let length = bytes.getInteger(at: start + 1, as: UInt32.self), length > Self.limit {
            throw CallStatus(
                .resourceExhausted, "the message has \(length) bytes; \(Self.limit) are allowed")
        }
        guard bytes.readableBytes <= Self.prefix + Self.limit else { throw Self.notOne }
    }

    /// The message, once the caller has said that it is whole.
    package func message() throws(CallStatus) -> [UInt8] {
        guard let bytes, let length = bytes.getInteger(at: bytes.readerIndex + 1, as: UInt32.self),
            bytes.readableBytes == Self.prefix + Int(length),
            let message = bytes.getBytes(at: bytes.readerIndex + Self.prefix, length: Int(length))
        else { throw Self.notOne }
        return message
    }

    private static let notOne = CallStatus(.internalError, "the call has not exactly one whole message")
}
