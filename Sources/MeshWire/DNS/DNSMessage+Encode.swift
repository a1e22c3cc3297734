internal import MeshCore

extension DNSMessage {
    /// The bytes of the message, at most `limit` of them: answers that do not fit are left out and TC is set.
    ///
    /// Those that fit stay, for clients that do not ask again over TCP. Names are compressed.
    /// - Parameter limit: at least 512, which one question and OPT always fit in.
    package func encoded(limit: Int = byteLimit) -> [UInt8] {
        let limit = min(limit, Self.byteLimit) - (edns == nil ? 0 : Encoder.optByteCount)
        var encoder = Encoder()
        var header = header
        header.questionCount = UInt16(clamping: questions.count)
        header.authorityCount = 0
        header.additionalCount = edns == nil ? 0 : 1
        for question in questions { encoder.append(question) }
        var count = 0
        for answer in answers {
            let end = encoder.bytes.count
            encoder.append(answer)
            guard encoder.bytes.count <= limit else {
                // What was learned of names behind the end is not used again: nothing but OPT follows.
                encoder.bytes.removeSubrange(end...)
                header.isTruncated = true
                break
            }
            count += 1
        }
        header.answerCount = UInt16(count)
        if let edns { encoder.append(edns) }
        header.overwrite(&encoder.bytes)
        return encoder.bytes
    }

    /// Somebody else's reply, made to fit: as it is, or else its question alone with TC.
    package static func fitting(_ reply: [UInt8], limit: Int, edns: EDNS?) -> [UInt8] {
        guard reply.count > limit, var (message, _) = try? parseQuestions(reply.span) else { return reply }
        message.header.isTruncated = true
        message.edns = edns
        return message.encoded(limit: limit)
    }
}

private struct Encoder {
    static let optByteCount = 11

    /// The header's place is kept free.
    var bytes = [UInt8](repeating: 0, count: DNSHeader.byteCount)
    /// Where names and their ends stand, by their lower-case bytes.
    private var places: [ArraySlice<UInt8>: UInt16] = [:]

    mutating func append(_ question: DNSQuestion) {
        append(question.name)
        append(question.type.rawValue)
        append(question.recordClass)
    }

    mutating func append(_ record: DNSRecord) {
        append(record.name)
        let (type, recordClass): (DNSRecordType, UInt16) =
            switch record.content {
            case .a: (.a, DNSQuestion.internet)
            case .aaaa: (.aaaa, DNSQuestion.internet)
            case .cname: (.cname, DNSQuestion.internet)
            case .other(let type, let recordClass, _): (type, recordClass)
            }
        append(type.rawValue)
        append(recordClass)
        append(UInt16(record.timeToLive >> 16))
        append(UInt16(truncatingIfNeeded: record.timeToLive))
        let lengthPlace = bytes.count
        append(0 as UInt16)
        switch record.content {
        case .a(let ip):
            append(UInt16(ip.v4 >> 16))
            append(UInt16(truncatingIfNeeded: ip.v4))
        case .aaaa(let ip):
            for half in [ip.high, ip.low] {
                for shift in stride(from: UInt64(48), through: 0, by: -16) {
                    append(UInt16(truncatingIfNeeded: half >> shift))
                }
            }
        case .cname(let name): append(name)
        case .other(_, _, let data): bytes += data
        }
        let length = bytes.count - lengthPlace - 2
        bytes[lengthPlace] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[lengthPlace + 1] = UInt8(truncatingIfNeeded: length)
    }

    mutating func append(_ edns: EDNS) {
        bytes.append(0)
        append(DNSRecordType.opt.rawValue)
        append(edns.payloadSize)
        append(UInt16(edns.codeHigh) << 8 | UInt16(edns.version))
        append(edns.wantsDNSSEC ? 0x8000 : 0)
        append(0 as UInt16)
    }

    private mutating func append(_ word: UInt16) {
        bytes.append(UInt8(word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
    }

    /// Writes labels up to an end that stands somewhere already, then a pointer to it.
    private mutating func append(_ name: DNSName) {
        let lower = name.wire.map(DNSName.lowercase)
        var index = 0
        while lower[index] != 0 {
            if let place = places[lower[index...]] {
                append(0xc000 | place)
                return
            }
            // A pointer has 14 bits.
            if bytes.count < 0x4000 { places[lower[index...]] = UInt16(bytes.count) }
            let next = index + 1 + Int(lower[index])
            bytes += name.wire[index..<next]
            index = next
        }
        bytes.append(0)
    }
}
