/// Reads the handshake messages that may come when the handshake is done, however they are cut into records.
///
/// Source: RFC 8446 section 4.6. Nothing is stored but the head of a message: tickets are passed over.
package struct PostHandshakeReader {
    package enum Event: Equatable {
        case ticket
        case keyUpdate(answerWanted: Bool)
    }

    private static let headSize = 4
    private static let newSessionTicket: UInt8 = 4
    private static let keyUpdate: UInt8 = 24
    /// A ticket of 64 KiB with as many bytes of extensions is the longest that its fields can say.
    private static let ticketLimit = 1 << 17 + 1 << 9

    private let isClient: Bool
    private var head: UInt32 = 0
    private var headLength = 0
    /// Bytes of the body that are still to come; counts once the head is whole.
    private var left = 0

    package init(isClient: Bool) { self.isClient = isClient }

    /// Whether a message has begun whose end is in a later record.
    package var isInside: Bool { headLength > 0 }

    /// Reads the whole content of one record.
    ///
    /// - Returns: the KeyUpdate at its end, or a ticket when one ended in it, or `nil` when neither did.
    package mutating func read(_ content: Span<UInt8>) throws(RecordFault) -> Event? {
        guard !content.isEmpty else { throw .emptyMessage }
        var event: Event?
        var index = 0
        while index < content.count {
            if headLength < Self.headSize {
                head = head << 8 | UInt32(content[index])
                headLength += 1
                index += 1
                if headLength == Self.headSize { try beginBody() }
                continue
            }
            if type == Self.keyUpdate {
                let wanted = content[index]
                guard wanted <= 1 else { throw .malformedMessage(type) }
                guard index + 1 == content.count else { throw .messageBehindKeyUpdate }
                headLength = 0
                return .keyUpdate(answerWanted: wanted == 1)
            }
            let taken = min(left, content.count - index)
            left -= taken
            index += taken
            if left == 0 {
                headLength = 0
                event = .ticket
            }
        }
        return event
    }

    private var type: UInt8 { UInt8(truncatingIfNeeded: head >> 24) }

    private mutating func beginBody() throws(RecordFault) {
        left = Int(head & 0xFF_FFFF)
        switch type {
        // Shortest: lifetime, age, an empty nonce, a ticket of a byte, no extensions (section 4.6.1).
        case Self.newSessionTicket where isClient:
            guard left >= 14, left <= Self.ticketLimit else { throw .malformedMessage(type) }
        case Self.keyUpdate:
            guard left == 1 else { throw .malformedMessage(type) }
        default: throw .unexpectedMessage(type)
        }
    }
}
