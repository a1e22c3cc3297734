/// The first twelve bytes of a message.
///
/// Shape: id, flags, then how many questions, answers, authority and additional records follow; big-endian words.
/// Source: RFC 1035, section 4.1.1.
package struct DNSHeader: Sendable, Hashable {
    package static let byteCount = 12
    package static let queryOpcode: UInt8 = 0

    package var id: UInt16
    package var flags: UInt16
    package var questionCount: UInt16
    package var answerCount: UInt16
    package var authorityCount: UInt16
    package var additionalCount: UInt16

    package init(id: UInt16, flags: UInt16 = 0, questionCount: UInt16 = 0) {
        self.id = id
        self.flags = flags
        self.questionCount = questionCount
        answerCount = 0
        authorityCount = 0
        additionalCount = 0
    }

    /// `nil` for fewer than twelve bytes. What follows them is not looked at.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        id = bytes.word(0)
        flags = bytes.word(2)
        questionCount = bytes.word(4)
        answerCount = bytes.word(6)
        authorityCount = bytes.word(8)
        additionalCount = bytes.word(10)
    }

    package var isResponse: Bool {
        get { has(15) }
        set { set(15, newValue) }
    }
    package var opcode: UInt8 { UInt8(truncatingIfNeeded: flags >> 11) & 15 }
    package var isAuthoritative: Bool {
        get { has(10) }
        set { set(10, newValue) }
    }
    package var isTruncated: Bool {
        get { has(9) }
        set { set(9, newValue) }
    }
    package var recursionDesired: Bool {
        get { has(8) }
        set { set(8, newValue) }
    }
    package var recursionAvailable: Bool {
        get { has(7) }
        set { set(7, newValue) }
    }
    package var checkingDisabled: Bool {
        get { has(4) }
        set { set(4, newValue) }
    }
    /// The low four bits of the response code.
    package var code: DNSResponseCode {
        get { DNSResponseCode(rawValue: flags & 15) }
        set { flags = flags & ~15 | newValue.rawValue & 15 }
    }

    private func has(_ bit: UInt16) -> Bool { flags >> bit & 1 == 1 }
    private mutating func set(_ bit: UInt16, _ value: Bool) { flags = value ? flags | 1 << bit : flags & ~(1 << bit) }

    /// The header of the reply to this request: its id, opcode and wishes, and recursion is available.
    package func reply(_ code: DNSResponseCode) -> DNSHeader {
        var reply = DNSHeader(id: id, flags: flags & 0x7800)
        reply.isResponse = true
        reply.recursionDesired = recursionDesired
        reply.checkingDisabled = checkingDisabled
        reply.recursionAvailable = true
        reply.code = code
        return reply
    }

    package var encoded: [UInt8] {
        [id, flags, questionCount, answerCount, authorityCount, additionalCount].flatMap { word in
            [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
        }
    }

    /// Puts this header in place of the one that `message` begins with; nothing else of it changes.
    package func overwrite(_ message: inout [UInt8]) {
        message.replaceSubrange(..<min(Self.byteCount, message.count), with: encoded)
    }
}

extension Span<UInt8> {
    /// The big-endian word at an offset that is known to have two bytes.
    func word(_ index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }
}
