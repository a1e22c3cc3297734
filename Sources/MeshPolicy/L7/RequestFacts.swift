package import MeshCore

/// Bytes of a request head: a piece of a buffer that is shared, not copied.
package typealias RequestText = ArraySlice<UInt8>

extension RequestText {
    package init(_ text: some StringProtocol) { self = Array(text.utf8)[...] }
}

package struct HeaderField: Sendable {
    /// In lower case.
    package let name: RequestText
    package let value: RequestText

    package init(name: RequestText, value: RequestText) {
        self.name = name
        self.value = value
    }
}

/// What is known of a request, or of a TCP connection, when a waypoint's policies judge it.
///
/// Identity and addresses come from the HBONE tunnel alone; headers never speak for them.
package struct RequestFacts: Sendable {
    package var peer: PeerIdentity?
    /// The client's address: the source of the tunnel.
    package var source: IPAddress
    /// The client as `X-Forwarded-For` has it, see `remoteAddress(_:source:)`.
    package var remote: IPAddress
    /// For a service its VIP and service port, for a workload the pod's address and port.
    package var destination: SocketAddress
    /// Empty without TLS.
    package var serverName = RequestText()

    // The rest is empty for a TCP connection.
    package var method = RequestText()
    /// `:authority` or `Host`, with its port when it is written.
    package var host = RequestText()
    /// The path after normalisation, with its query.
    package var target = RequestText()
    package var headers: [HeaderField] = []
    /// Of a token that request authentication found valid.
    package var claims: TokenClaims?

    package init(
        peer: PeerIdentity?, source: IPAddress, remote: IPAddress? = nil, destination: SocketAddress
    ) {
        self.peer = peer
        self.source = source
        self.remote = remote ?? source
        self.destination = destination
    }

    /// The path as policies compare it: without query and fragment.
    var path: RequestText {
        guard let end = target.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
            return target
        }
        return target[..<end]
    }

    /// The last address of `X-Forwarded-For`, or `source` when there is none that can be read.
    ///
    /// Whoever is inside the mesh can write that header, so this proves nothing. Source: a waypoint trusts no hop and
    /// adds none.
    package static func remoteAddress(_ headers: [HeaderField], source: IPAddress) -> IPAddress {
        guard
            let field = headers.last(where: { $0.name.elementsEqual("x-forwarded-for".utf8) }),
            let text = String(validating: field.value, as: UTF8.self)
        else { return source }
        let last = text.split(separator: ",", omittingEmptySubsequences: false).last ?? ""
        let trimmed = last.drop { $0 == " " || $0 == "\t" }
        let end = trimmed.lastIndex { $0 != " " && $0 != "\t" }.map { trimmed.index(after: $0) } ?? trimmed.startIndex
        let entry = trimmed[..<end]
        return IPAddress(entry) ?? SocketAddress(entry)?.ip ?? source
    }
}

/// All values of one header, read as one text with commas between, without making it.
struct JoinedHeader {
    private let fields: [HeaderField]
    private let name: RequestText
    /// How often the header is there.
    let occurrences: Int
    /// Bytes of the joined text.
    let count: Int
    /// Where it is the first time; meaningless when it is not there.
    let first: Int

    init(_ fields: [HeaderField], _ name: RequestText) {
        self.fields = fields
        self.name = name
        var (occurrences, count, first) = (0, 0, 0)
        for index in fields.indices where fields[index].name.elementsEqual(name) {
            if occurrences == 0 { first = index } else { count += 1 }
            occurrences += 1
            count += fields[index].value.count
        }
        (self.occurrences, self.count, self.first) = (occurrences, count, first)
    }

    func matches(_ pattern: TextPattern) -> Bool {
        switch pattern {
        case .presence: count > 0
        case .exact(let wanted): count == wanted.count && has(wanted, at: 0)
        case .prefix(let start): has(start, at: 0)
        case .suffix(let end): has(end, at: count - end.count)
        }
    }

    private func has(_ part: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, part.count <= count - offset else { return false }
        var position = -offset  // of the next byte, counted from the start of `part`
        var isFirst = true
        for field in fields where field.name.elementsEqual(name) {
            if !isFirst {
                if part.indices.contains(position), part[position] != UInt8(ascii: ",") { return false }
                position += 1
            }
            isFirst = false
            for byte in field.value {
                if part.indices.contains(position), part[position] != byte { return false }
                position += 1
            }
            if position >= part.count { return true }
        }
        return true
    }

    /// Calls `body` with each byte of the joined text, then once with `nil`.
    @inline(__always)
    func forward(_ body: (UInt8?) -> Void) {
        var isFirst = true
        for field in fields where field.name.elementsEqual(name) {
            if !isFirst { body(UInt8(ascii: ",")) }
            isFirst = false
            for byte in field.value { body(byte) }
        }
        body(nil)
    }

    /// The same from the end.
    @inline(__always)
    func backward(_ body: (UInt8?) -> Void) {
        var isFirst = true
        for field in fields.reversed() where field.name.elementsEqual(name) {
            if !isFirst { body(UInt8(ascii: ",")) }
            isFirst = false
            for byte in field.value.reversed() { body(byte) }
        }
        body(nil)
    }

    /// For explanations.
    var text: String {
        fields.filter { $0.name.elementsEqual(name) }.map { String(decoding: $0.value, as: UTF8.self) }
            .joined(separator: ",")
    }
}
