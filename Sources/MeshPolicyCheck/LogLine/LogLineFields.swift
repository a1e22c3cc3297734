/// The fields of an access-log line that policies care about, as pieces of the line.
///
/// Shapes: ztunnel's plain text and JSON, which is ours too, and Envoy's default format with or without Istio's
/// additions. Cost: one pass, no allocation.
package struct LogLineFields: Sendable {
    package enum Shape: Sendable { case tunnel, request }

    package private(set) var shape = Shape.tunnel
    private let line: ArraySlice<UInt8>
    // Counted from the start of the line: pieces of it would each hold its buffer.
    private var places = Places()

    private struct Places: Sendable {
        var source = 0..<0
        var sourceIdentity = 0..<0
        var destination = 0..<0
        var hboneAddress = 0..<0
        var direction = 0..<0
        var error = 0..<0
        var message = 0..<0
        var method = 0..<0
        var path = 0..<0
        var authority = 0..<0
        var details = 0..<0
        var status = 0..<0
    }

    package var source: ArraySlice<UInt8> { piece(places.source) }
    package var sourceIdentity: ArraySlice<UInt8> { piece(places.sourceIdentity) }
    package var destination: ArraySlice<UInt8> { piece(places.destination) }
    package var hboneAddress: ArraySlice<UInt8> { piece(places.hboneAddress) }
    package var direction: ArraySlice<UInt8> { piece(places.direction) }
    package var error: ArraySlice<UInt8> { piece(places.error) }
    package var message: ArraySlice<UInt8> { piece(places.message) }
    // Of a request.
    package var method: ArraySlice<UInt8> { piece(places.method) }
    package var path: ArraySlice<UInt8> { piece(places.path) }
    package var authority: ArraySlice<UInt8> { piece(places.authority) }
    package var details: ArraySlice<UInt8> { piece(places.details) }
    package var status: ArraySlice<UInt8> { piece(places.status) }

    private func piece(_ range: Range<Int>) -> ArraySlice<UInt8> {
        line[line.startIndex + range.lowerBound..<line.startIndex + range.upperBound]
    }

    private static let quote = UInt8(ascii: "\"")
    private static let space = UInt8(ascii: " ")
    private static let backslash = UInt8(ascii: "\\")

    /// `nil` for a line of another kind.
    package init?(_ line: ArraySlice<UInt8>) {
        self.line = line
        let bytes = line.span
        switch line.first {
        case UInt8(ascii: "{"): guard readJSON(bytes) else { return nil }
        case UInt8(ascii: "["): guard readRequest(bytes) else { return nil }
        default: guard readPlain(bytes) else { return nil }
        }
    }

    private mutating func set(_ line: Span<UInt8>, _ key: Range<Int>, _ value: Range<Int>) {
        // Told apart by their lengths first, and then by words of eight bytes: this is done for every field.
        let start = key.lowerBound
        switch key.count {
        // error
        case 5 where Self.word(line, start, 5) == 0x65_72_72_6F_72: places.error = value
        // message
        case 7 where Self.word(line, start, 7) == 0x6D_65_73_73_61_67_65: places.message = value
        case 8:
            switch Self.word(line, start, 8) {
            // src.addr
            case 0x73_72_63_2E_61_64_64_72: places.source = value
            // dst.addr
            case 0x64_73_74_2E_61_64_64_72: places.destination = value
            default: break
            }
        // directio, n
        case 9 where Self.word(line, start, 8) == 0x64_69_72_65_63_74_69_6F && line[start + 8] == UInt8(ascii: "n"):
            places.direction = value
        // src.iden, tity
        case 12 where Self.word(line, start, 8) == 0x73_72_63_2E_69_64_65_6E:
            if Self.word(line, start + 8, 4) == 0x74_69_74_79 { places.sourceIdentity = value }
        // dst.hbon, e_addr
        case 14 where Self.word(line, start, 8) == 0x64_73_74_2E_68_62_6F_6E:
            if Self.word(line, start + 8, 6) == 0x65_5F_61_64_64_72 { places.hboneAddress = value }
        default: break
        }
    }

    /// At most eight bytes, the first one highest.
    @inline(__always)
    private static func word(_ line: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        var result: UInt64 = 0
        for position in start..<start + count { result = result << 8 | UInt64(line[position]) }
        return result
    }

    private mutating func readPlain(_ line: Span<UInt8>) -> Bool {
        var (position, tabs, start) = (0, 0, 0)
        while position < line.count, tabs < 4 {
            if line[position] == 9 {
                tabs += 1
                if tabs == 3 { start = position + 1 }
                if tabs == 4 { places.message = start..<position }
            }
            position += 1
        }
        guard tabs == 4 else { return false }
        while position < line.count {
            let start = position
            while position < line.count, line[position] != UInt8(ascii: "=") { position += 1 }
            guard position < line.count else { return !places.source.isEmpty }
            let key = start..<position
            position += 1
            set(line, key, Self.value(line, &position))
            position += 1
        }
        return !places.source.isEmpty
    }

    private mutating func readJSON(_ line: Span<UInt8>) -> Bool {
        var position = 1
        while position < line.count, line[position] == Self.quote {
            let key = Self.value(line, &position)
            guard position < line.count, line[position] == UInt8(ascii: ":") else { return false }
            position += 1
            while position < line.count, line[position] == Self.space { position += 1 }
            set(line, key, Self.value(line, &position))
            guard position < line.count else { return false }
            if line[position] == UInt8(ascii: "}") { return !places.source.isEmpty }
            position += 1
            while position < line.count, line[position] == Self.space { position += 1 }
        }
        return false
    }

    /// A quoted or bare value; `position` ends behind it. Escapes stay as they are.
    private static func value(_ line: Span<UInt8>, _ position: inout Int) -> Range<Int> {
        guard position < line.count, line[position] == quote else {
            let start = position
            while position < line.count, line[position] != space, line[position] != UInt8(ascii: ","),
                line[position] != UInt8(ascii: "}")
            { position += 1 }
            return start..<position
        }
        position += 1
        let start = position
        while position < line.count, line[position] != quote {
            position += line[position] == backslash ? 2 : 1
        }
        let end = min(position, line.count)
        position = min(position + 1, line.count)
        return start..<end
    }

    /// `[time] "GET /path HTTP/1.1" 200 - via_upstream - "-" 0 12 3 2 "xff" "agent" "id" "authority" "upstream" …`
    private mutating func readRequest(_ line: Span<UInt8>) -> Bool {
        var position = 0
        while position < line.count, line[position] != UInt8(ascii: "]") { position += 1 }
        position += 1
        // Which token is what depends on how many there are: Envoy's own format has 12, and Istio adds details, reasons
        // and addresses.
        var (count, request, forwarded, plainAuthority) = (0, 0..<0, 0..<0, 0..<0)
        while position < line.count {
            if line[position] == Self.space {
                position += 1
                continue
            }
            let token: Range<Int>
            if line[position] == Self.quote {
                token = Self.value(line, &position)
            } else {
                let start = position
                while position < line.count, line[position] != Self.space { position += 1 }
                token = start..<position
            }
            switch count {
            case 0: request = token
            case 1: places.status = token
            case 3: places.details = token
            case 7: forwarded = token
            case 10: plainAuthority = token
            case 13: places.authority = token
            case 17: places.destination = token
            case 18: places.source = token
            default: break
            }
            count += 1
        }
        guard count == 12 || count >= 20, readTarget(line, request) else { return false }
        shape = .request
        if count == 12 { (places.source, places.authority, places.details) = (forwarded, plainAuthority, 0..<0) }
        return true
    }

    /// `GET /path HTTP/1.1`
    private mutating func readTarget(_ line: Span<UInt8>, _ request: Range<Int>) -> Bool {
        var spaces = (first: -1, last: -1)
        for position in request where line[position] == Self.space {
            if spaces.first < 0 { spaces.first = position } else if spaces.last < 0 { spaces.last = position }
        }
        guard spaces.last > spaces.first + 1, spaces.first > request.lowerBound, spaces.last + 1 < request.upperBound
        else { return false }
        places.method = request.lowerBound..<spaces.first
        places.path = spaces.first + 1..<spaces.last
        return true
    }
}
