/// The fields of an access-log line that policies care about, as pieces of the line.
///
/// Shapes: ztunnel's plain text and JSON, which is ours too, and Envoy's default format with or without Istio's
/// additions. Cost: one pass, no allocation.
struct LogLineFields {
    enum Shape { case tunnel, request }

    var shape = Shape.tunnel
    var source: ArraySlice<UInt8> = []
    var sourceIdentity: ArraySlice<UInt8> = []
    var destination: ArraySlice<UInt8> = []
    var hboneAddress: ArraySlice<UInt8> = []
    var direction: ArraySlice<UInt8> = []
    var error: ArraySlice<UInt8> = []
    var message: ArraySlice<UInt8> = []
    // Of a request.
    var method: ArraySlice<UInt8> = []
    var path: ArraySlice<UInt8> = []
    var authority: ArraySlice<UInt8> = []
    var details: ArraySlice<UInt8> = []
    var status: ArraySlice<UInt8> = []

    private static let quote = UInt8(ascii: "\"")
    private static let space = UInt8(ascii: " ")
    private static let backslash = UInt8(ascii: "\\")

    /// `nil` for a line of another kind.
    init?(_ line: ArraySlice<UInt8>) {
        switch line.first {
        case UInt8(ascii: "{"): guard readJSON(line) else { return nil }
        case UInt8(ascii: "["): guard readRequest(line) else { return nil }
        default: guard readPlain(line) else { return nil }
        }
    }

    private mutating func set(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        switch key.count {
        case 5 where key.elementsEqual("error".utf8): error = value
        case 7 where key.elementsEqual("message".utf8): message = value
        case 8 where key.elementsEqual("src.addr".utf8): source = value
        case 8 where key.elementsEqual("dst.addr".utf8): destination = value
        case 9 where key.elementsEqual("direction".utf8): direction = value
        case 12 where key.elementsEqual("src.identity".utf8): sourceIdentity = value
        case 14 where key.elementsEqual("dst.hbone_addr".utf8): hboneAddress = value
        default: break
        }
    }

    private mutating func readPlain(_ line: ArraySlice<UInt8>) -> Bool {
        var (position, tabs) = (line.startIndex, 0)
        var starts = (line.startIndex, line.startIndex)
        while position < line.endIndex, tabs < 4 {
            if line[position] == 9 {
                tabs += 1
                if tabs == 3 { starts.0 = position + 1 }
                if tabs == 4 { starts.1 = position }
            }
            position += 1
        }
        guard tabs == 4 else { return false }
        message = line[starts.0..<starts.1]
        while position < line.endIndex {
            let start = position
            while position < line.endIndex, line[position] != UInt8(ascii: "=") { position += 1 }
            guard position < line.endIndex else { return !source.isEmpty }
            let key = line[start..<position]
            position += 1
            set(key, Self.value(line, &position))
            position += 1
        }
        return !source.isEmpty
    }

    private mutating func readJSON(_ line: ArraySlice<UInt8>) -> Bool {
        var position = line.startIndex + 1
        while position < line.endIndex, line[position] == Self.quote {
            let key = Self.value(line, &position)
            guard position < line.endIndex, line[position] == UInt8(ascii: ":") else { return false }
            position += 1
            while position < line.endIndex, line[position] == Self.space { position += 1 }
            set(key, Self.value(line, &position))
            guard position < line.endIndex else { return false }
            if line[position] == UInt8(ascii: "}") { return !source.isEmpty }
            position += 1
            while position < line.endIndex, line[position] == Self.space { position += 1 }
        }
        return false
    }

    /// A quoted or bare value; `position` ends behind it. Escapes stay as they are.
    private static func value(_ line: ArraySlice<UInt8>, _ position: inout Int) -> ArraySlice<UInt8> {
        guard position < line.endIndex, line[position] == quote else {
            let start = position
            while position < line.endIndex, line[position] != space, line[position] != UInt8(ascii: ","),
                line[position] != UInt8(ascii: "}")
            { position += 1 }
            return line[start..<position]
        }
        position += 1
        let start = position
        while position < line.endIndex, line[position] != quote {
            position += line[position] == backslash ? 2 : 1
        }
        let end = min(position, line.endIndex)
        position = min(position + 1, line.endIndex)
        return line[start..<end]
    }

    /// `[time] "GET /path HTTP/1.1" 200 - via_upstream - "-" 0 12 3 2 "xff" "agent" "id" "authority" "upstream" …`
    private mutating func readRequest(_ line: ArraySlice<UInt8>) -> Bool {
        guard let close = line.firstIndex(of: UInt8(ascii: "]")) else { return false }
        var tokens: [ArraySlice<UInt8>] = []
        tokens.reserveCapacity(24)
        var position = close + 1
        while position < line.endIndex {
            if line[position] == Self.space {
                position += 1
                continue
            }
            let isQuoted = line[position] == Self.quote
            let start = position
            if isQuoted {
                tokens.append(Self.value(line, &position))
            } else {
                while position < line.endIndex, line[position] != Self.space { position += 1 }
                tokens.append(line[start..<position])
            }
        }
        // Envoy's own format has 12 tokens; Istio adds details, reasons, addresses.
        let isIstio = tokens.count >= 20
        guard tokens.count == 12 || isIstio else { return false }
        shape = .request
        let parts = tokens[0].split(separator: Self.space, maxSplits: 2)
        guard parts.count == 3 else { return false }
        (method, path) = (parts[0], parts[1])
        status = tokens[1]
        details = isIstio ? tokens[3] : []
        authority = tokens[isIstio ? 13 : 10]
        destination = isIstio ? tokens[17] : []
        source = isIstio ? tokens[18] : tokens[7]
        return true
    }
}
