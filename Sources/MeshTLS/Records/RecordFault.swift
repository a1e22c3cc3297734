/// What is wrong with what the peer sent after the handshake. Each ends the connection, with an alert to the peer.
package enum RecordFault: Error, Equatable {
    case badRecord
    /// Of the record, or of what is in it, in bytes.
    case tooLong(Int)
    /// A record that is not protected, by its type.
    case plaintext(UInt8)
    /// Zeros only where the type should stand.
    case noType
    case unknownType(UInt8)
    /// A handshake message of this type, which is not for us or not for now.
    case unexpectedMessage(UInt8)
    case malformedMessage(UInt8)
    /// Bytes behind a KeyUpdate, which were protected by a key that ought to be gone.
    case messageBehindKeyUpdate
    /// Another record in the middle of a handshake message.
    case interruptedMessage
    case emptyMessage
    case malformedAlert
    case flood(String)
    /// Our fault: there was no memory for a key.
    case noKey

    /// What the peer is told: number and name. Source: RFC 8446 sections 5 and 6.2.
    var alert: UInt8 {
        switch self {
        case .badRecord: 20
        case .tooLong: 22
        case .malformedMessage, .malformedAlert: 50
        case .plaintext, .noType, .unknownType, .unexpectedMessage, .messageBehindKeyUpdate, .interruptedMessage,
            .emptyMessage, .flood:
            10
        case .noKey: 80
        }
    }

    /// What we say of it.
    var failure: HandshakeFailure {
        if self == .badRecord { return .badRecord }
        return .protocolError("\(alertName(Int32(alert))): \(reason)")
    }

    private var reason: String {
        switch self {
        case .badRecord: "a record does not authenticate"
        case .tooLong(let count): "a record of \(count) bytes"
        case .plaintext(let type): "a record of type \(type) without protection after the handshake"
        case .noType: "a record without a type"
        case .unknownType(let type): "a record of type \(type)"
        case .unexpectedMessage(let type): "a handshake message of type \(type) after the handshake"
        case .malformedMessage(let type): "a malformed handshake message of type \(type)"
        case .messageBehindKeyUpdate: "more behind a KeyUpdate in its record"
        case .interruptedMessage: "another record inside of a handshake message"
        case .emptyMessage: "an empty piece of a handshake message"
        case .malformedAlert: "an alert that is not two bytes"
        case .flood(let what): "a flood of \(what)"
        case .noKey: "no memory for a key"
        }
    }
}
