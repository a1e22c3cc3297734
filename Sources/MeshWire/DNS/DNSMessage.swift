package import MeshCore

package struct DNSQuestion: Sendable, Hashable {
    /// The class of the Internet.
    package static let internet: UInt16 = 1

    package var name: DNSName
    package var type: DNSRecordType
    package var recordClass: UInt16

    package init(name: DNSName, type: DNSRecordType, recordClass: UInt16 = internet) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }
}

package struct DNSRecord: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case a(IPAddress)
        case aaaa(IPAddress)
        case cname(DNSName)
        /// Bytes as they came: a name inside them may point into the message that they came from.
        case other(DNSRecordType, recordClass: UInt16, [UInt8])
    }

    package var name: DNSName
    /// Seconds.
    package var timeToLive: UInt32
    package var content: Content

    package init(name: DNSName, timeToLive: UInt32, content: Content) {
        self.name = name
        self.timeToLive = timeToLive
        self.content = content
    }
}

/// The OPT record of a message.
///
/// Source: RFC 6891, section 6.1. Options inside it are not kept.
package struct EDNS: Sendable, Hashable {
    /// Largest UDP payload that the sender takes; below 512 counts as 512.
    package var payloadSize: UInt16
    package var version: UInt8
    /// DO: wants DNSSEC records.
    package var wantsDNSSEC: Bool
    /// The high eight bits of the response code.
    package var codeHigh: UInt8

    package init(payloadSize: UInt16, version: UInt8 = 0, wantsDNSSEC: Bool = false, codeHigh: UInt8 = 0) {
        self.payloadSize = max(payloadSize, UInt16(DNSMessage.plainPayload))
        self.version = version
        self.wantsDNSSEC = wantsDNSSEC
        self.codeHigh = codeHigh
    }
}

/// A DNS message: header, questions, answers, and what EDNS says.
///
/// Authority and additional records other than OPT are checked and skipped when read, and never written: they belong to
/// messages that are passed on as bytes.
/// Source: RFC 1035, section 4.
package struct DNSMessage: Sendable, Hashable {
    /// Largest UDP payload without EDNS.
    package static let plainPayload = 512
    /// Largest message of all: what the length in front of one on TCP can say.
    package static let byteLimit = 65535

    /// Counts in it are those of the message as read; they are written anew.
    package var header: DNSHeader
    package var questions: [DNSQuestion]
    package var answers: [DNSRecord]
    package var edns: EDNS?

    package init(header: DNSHeader, questions: [DNSQuestion], answers: [DNSRecord] = [], edns: EDNS? = nil) {
        self.header = header
        self.questions = questions
        self.answers = answers
        self.edns = edns
    }

    /// A request for the records of one name, with recursion desired.
    package static func query(id: UInt16, _ question: DNSQuestion, edns: EDNS? = nil) -> DNSMessage {
        var header = DNSHeader(id: id)
        header.recursionDesired = true
        return DNSMessage(header: header, questions: [question], edns: edns)
    }
}

/// Why bytes are not a DNS message.
package enum DNSMessageError: Error, Hashable, CustomStringConvertible {
    /// It ends before what its counts and lengths announce.
    case truncated
    /// A label of a type that was never defined.
    case labelType(UInt8)
    /// A compressed name that does not point backwards.
    case pointer(from: Int, to: Int)
    case tooManyPointers
    case nameTooLong
    /// The data of a record is not of the length that its type has.
    case recordData(DNSRecordType, byteCount: Int)
    /// A second OPT record, or one with a name.
    case misplacedOPT

    package var description: String {
        switch self {
        case .truncated: "the message ends before what its counts announce"
        case .labelType(let byte): "label type 0x\(String(byte, radix: 16)) does not exist"
        case .pointer(let from, let to): "name pointer at byte \(from) leads to byte \(to), which is not before it"
        case .tooManyPointers: "a name has more than \(DNSName.pointerLimit) pointers"
        case .nameTooLong: "a name is longer than \(DNSName.byteLimit) bytes"
        case .recordData(let type, let count): "\(count) bytes cannot be the data of a record of type \(type)"
        case .misplacedOPT: "an OPT record is there twice, or has a name"
        }
    }
}
