package import MeshCore

/// A request head as it came, before anything is decided by it.
///
/// Framing (lengths, transfer codings, hop-by-hop headers) is the reader's; here is what policies would otherwise see
/// differently from whoever is behind the proxy.
package struct RequestHead: Sendable {
    package enum Version: Sendable { case http1, http2 }

    package var version: Version
    package var method: RequestText
    /// `:authority`, of HTTP/2 only.
    package var authority: RequestText?
    /// The request target of HTTP/1, in any of its forms, or `:path`.
    package var target: RequestText
    /// Without pseudo-headers. Names as they came.
    package var headers: [HeaderField]

    package init(
        version: Version, method: RequestText, authority: RequestText? = nil, target: RequestText,
        headers: [HeaderField]
    ) {
        self.version = version
        self.method = method
        self.authority = authority
        self.target = target
        self.headers = headers
    }

    /// Why a request is answered 400 before any policy looks at it.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case method(String)
        case headerName(String)
        /// A control character; the name of the header.
        case headerValue(String)
        case noHost
        case severalHosts
        case hostForm(String)
        /// HTTP/2, where `host` and `:authority` must agree.
        case hostDiffers(host: String, authority: String)
        /// An absolute target of another scheme.
        case targetForm(String)
        case path(PathNormalizer.Refusal)

        package var description: String {
            switch self {
            case .method(let text): "the method \"\(text)\" is not a word in upper case"
            case .headerName(let text): "the header name \"\(text)\" has characters that no name may have"
            case .headerValue(let name): "the value of header \(name) has a control character"
            case .noHost: "the request names no host"
            case .severalHosts: "the request has more than one Host header"
            case .hostForm(let text): "the host \"\(text)\" is no name or address with perhaps a port"
            case .hostDiffers(let host, let authority):
                "the header host says \"\(host)\", and :authority says \"\(authority)\""
            case .targetForm(let text): "the request target \"\(text)\" is neither a path nor an http address"
            case .path(let refusal): refusal.description
            }
        }

        /// For logs.
        package var details: String {
            switch self {
            case .method: "invalid_method"
            case .headerName: "invalid_header_name"
            case .headerValue: "invalid_header_value"
            case .noHost: "missing_host"
            case .severalHosts, .hostForm, .hostDiffers: "invalid_host"
            case .targetForm: "invalid_target"
            case .path: "path_normalization_failed"
            }
        }

        /// A peer is not told more than the status: it knows what it sent.
        package func answer(isGRPC: Bool) -> LocalAnswer {
            LocalAnswer(status: 400, body: "", details: details, isGRPC: isGRPC)
        }
    }

    /// What policies judge by, and what goes upstream.
    package struct Checked: Sendable {
        package let method: RequestText
        /// With its port when it is written; replaces every Host header.
        package let host: RequestText
        /// Normalized path and query; empty for a CONNECT without a path.
        package let target: RequestText
        /// In lower case, without `host`.
        package let headers: [HeaderField]
    }

    /// Checks all, in the order method, headers, host, path. Cost: one pass; allocates only for what changes.
    package func checked(_ normalization: PathNormalization) throws(Refusal) -> Checked {
        guard !method.isEmpty, method.allSatisfy({ Self.isToken($0) && !(97...122).contains($0) }) else {
            throw .method(Self.text(method))
        }
        let (headers, hosts) = try checkedHeaders()
        let isConnect = method.elementsEqual("CONNECT".utf8)
        var (host, path) = (try claimedHost(hosts), target)
        if version == .http1 {
            if isConnect {
                (host, path) = (target, [])
            } else if let absolute = try absoluteTarget() {
                // What the target says wins over Host, which is replaced. Source: RFC 9112 section 3.2.2.
                (host, path) = absolute
            }
        }
        guard let host, !host.isEmpty else { throw .noHost }
        guard Self.isAuthority(host) else { throw .hostForm(Self.text(host)) }
        if isConnect, path.isEmpty { return Checked(method: method, host: host, target: [], headers: headers) }
        let asterisk = method.elementsEqual("OPTIONS".utf8)
        switch PathNormalizer.normalize(path.span, normalization, asterisk: asterisk) {
        case .unchanged: break
        case .changed(let normalized): path = normalized[...]
        case .refused(let refusal): throw .path(refusal)
        }
        return Checked(method: method, host: host, target: path, headers: headers)
    }

    /// Headers with names in lower case, and the values of `host` apart.
    private func checkedHeaders() throws(Refusal) -> ([HeaderField], [RequestText]) {
        var hosts: [RequestText] = []
        var isClean = true
        for field in headers {
            guard !field.name.isEmpty, field.name.allSatisfy(Self.isToken) else {
                throw .headerName(Self.text(field.name))
            }
            guard field.value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .headerValue(Self.text(field.name))
            }
            let isHost = field.name.lazy.map(\.asciiLowercased).elementsEqual("host".utf8)
            if isHost { hosts.append(field.value) }
            isClean = isClean && !isHost && !field.name.contains { (65...90).contains($0) }
        }
        if isClean { return (headers, hosts) }
        var result: [HeaderField] = []
        result.reserveCapacity(headers.count)
        for field in headers {
            let name = field.name.map(\.asciiLowercased)
            if !name.elementsEqual("host".utf8) { result.append(HeaderField(name: name[...], value: field.value)) }
        }
        return (result, hosts)
    }

    /// The host that headers name; the target of HTTP/1 may still name another.
    private func claimedHost(_ hosts: [RequestText]) throws(Refusal) -> RequestText? {
        guard hosts.count <= 1 else { throw .severalHosts }
        guard version == .http2, let authority else { return hosts.first }
        if let host = hosts.first, !host.elementsEqual(authority) {
            throw .hostDiffers(host: Self.text(host), authority: Self.text(authority))
        }
        return authority
    }

    /// Host and path of a target such as `http://host/path`; `nil` for a path.
    private func absoluteTarget() throws(Refusal) -> (RequestText, RequestText)? {
        guard let first = target.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*") else { return nil }
        let schemes: [StaticString] = ["http://", "https://"]
        for scheme in schemes where target.span.hasFolded(Array("\(scheme)".utf8).span, at: 0) {
            let rest = target.dropFirst(scheme.utf8CodeUnitCount)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            let path = rest[end...]
            return (rest[..<end], path.first == UInt8(ascii: "/") ? path : ([UInt8(ascii: "/")] + path)[...])
        }
        throw .targetForm(Self.text(target))
    }

    // MARK: Characters

    /// `name`, `name:port`, `[v6]` or `[v6]:port`; no user, no escapes, no empty port.
    private static func isAuthority(_ text: RequestText) -> Bool {
        guard text.count <= 261, let first = text.first else { return false }
        var rest = text
        if first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")),
                IPAddress(String(decoding: text[(text.startIndex + 1)..<close], as: UTF8.self)) != nil
            else { return false }
            rest = text[(close + 1)...]
        } else {
            let end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
            guard end > text.startIndex, text[..<end].allSatisfy(isHostByte) else { return false }
            rest = text[end...]
        }
        guard let colon = rest.first else { return true }
        return colon == UInt8(ascii: ":")
            && SocketAddress.port(String(decoding: rest.dropFirst(), as: UTF8.self)) != nil
    }

    /// A registered name of RFC 3986, without percent encoding.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// Source: RFC 9110 section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        // ! # $ % & ' * + - . ^ _ ` | ~
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    private static func text(_ bytes: RequestText) -> String { String(decoding: bytes.prefix(80), as: UTF8.self) }
}
