internal import MeshCore

extension DNSMessage {
    /// Reads header and questions only: enough to tell what a reply answers.
    ///
    /// - Returns: a message without answers, and where its questions end.
    package static func parseQuestions(
        _ bytes: Span<UInt8>
    ) throws(DNSMessageError) -> (message: DNSMessage, byteCount: Int) {
        guard let header = DNSHeader(bytes) else { throw .truncated }
        var index = DNSHeader.byteCount
        var questions: [DNSQuestion] = []
        for _ in 0..<header.questionCount {
            let name = try DNSName.parse(bytes, &index)
            guard index + 4 <= bytes.count else { throw .truncated }
            let type = DNSRecordType(rawValue: bytes.word(index))
            questions.append(DNSQuestion(name: name, type: type, recordClass: bytes.word(index + 2)))
            index += 4
        }
        return (DNSMessage(header: header, questions: questions), index)
    }

    /// Reads a message. Bytes behind its last record are ignored.
    ///
    /// Cost: a pass over the message; a compressed name costs at most its 255 bytes again.
    package static func parse(_ bytes: Span<UInt8>) throws(DNSMessageError) -> DNSMessage {
        var (message, index) = try parseQuestions(bytes)
        for _ in 0..<message.header.answerCount {
            if let record = try message.parseRecord(bytes, &index) { message.answers.append(record) }
        }
        for _ in 0..<Int(message.header.authorityCount) + Int(message.header.additionalCount) {
            _ = try message.parseRecord(bytes, &index)
        }
        return message
    }

    /// - Returns: `nil` for OPT, which goes to `edns`.
    private mutating func parseRecord(_ bytes: Span<UInt8>, _ index: inout Int) throws(DNSMessageError) -> DNSRecord? {
        let name = try DNSName.parse(bytes, &index)
        guard index + 10 <= bytes.count else { throw .truncated }
        let type = DNSRecordType(rawValue: bytes.word(index))
        let recordClass = bytes.word(index + 2)
        let timeToLive = UInt32(bytes.word(index + 4)) << 16 | UInt32(bytes.word(index + 6))
        let start = index + 10
        let end = start + Int(bytes.word(index + 8))
        guard end <= bytes.count else { throw .truncated }
        index = end
        if type == .opt {
            guard edns == nil, name == .root else { throw .misplacedOPT }
            edns = EDNS(
                payloadSize: recordClass, version: UInt8(truncatingIfNeeded: timeToLive >> 16),
                wantsDNSSEC: timeToLive >> 15 & 1 == 1, codeHigh: UInt8(timeToLive >> 24))
            return nil
        }
        let content = try Self.content(bytes, start..<end, type, recordClass)
        return DNSRecord(name: name, timeToLive: timeToLive, content: content)
    }

    private static func content(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ type: DNSRecordType, _ recordClass: UInt16
    ) throws(DNSMessageError) -> DNSRecord.Content {
        let data = range.map { bytes[$0] }
        guard recordClass == DNSQuestion.internet else { return .other(type, recordClass: recordClass, data) }
        switch (type, data.count) {
        case (.a, 4): return .a(IPAddress(v4: data.reduce(0) { $0 << 8 | UInt32($1) }))
        case (.aaaa, 16):
            guard let ip = IPAddress(bytes: data) else { throw .recordData(type, byteCount: data.count) }
            return .aaaa(ip)
        case (.cname, _):
            var index = range.lowerBound
            let name = try DNSName.parse(bytes, &index)
            guard index == range.upperBound else { throw .recordData(type, byteCount: data.count) }
            return .cname(name)
        case (.a, _), (.aaaa, _): throw .recordData(type, byteCount: data.count)
        default: return .other(type, recordClass: recordClass, data)
        }
    }
}

extension DNSName {
    /// Reads a name that may be compressed, and moves `index` behind it.
    ///
    /// Pointers must lead to before the place where the part that holds them began, so that no name can loop; RFC 1035
    /// says "a prior occurrence". Their number is limited too: pointers to pointers would cost a walk for each record.
    static func parse(_ bytes: Span<UInt8>, _ index: inout Int) throws(DNSMessageError) -> DNSName {
        var wire: [UInt8] = []
        var at = index
        var partStart = index
        var pointers = 0
        var end: Int?
        while true {
            guard at < bytes.count else { throw .truncated }
            let length = bytes[at]
            switch length >> 6 {
            case 0:
                guard at + Int(length) < bytes.count else { throw .truncated }
                guard wire.count + Int(length) + (length == 0 ? 1 : 2) <= byteLimit else { throw .nameTooLong }
                for offset in 0...Int(length) { wire.append(bytes[at + offset]) }
                at += 1 + Int(length)
                if length == 0 {
                    index = end ?? at
                    return DNSName(wire: wire)
                }
            case 3:
                guard at + 1 < bytes.count else { throw .truncated }
                let target = Int(bytes.word(at) & 0x3fff)
                guard target < partStart else { throw .pointer(from: at, to: target) }
                pointers += 1
                guard pointers <= pointerLimit else { throw .tooManyPointers }
                if end == nil { end = at + 2 }
                at = target
                partStart = target
            default: throw .labelType(length)
            }
        }
    }
}
