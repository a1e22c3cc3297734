import MeshCore
package import MeshPolicy

/// A token that a request carries, and where.
struct CarriedToken {
    enum Place: Hashable {
        case header(String)
        case parameter(String)
        case cookie(String)
    }

    let place: Place
    let text: [UInt8]
}

extension JWTRule {
    /// The tokens at the places of this rule, in their order.
    func tokens(in request: TokenRequest) -> [CarriedToken] {
        var (headers, parameters) = (fromHeaders, fromParameters)
        if headers.isEmpty, parameters.isEmpty, fromCookies.isEmpty {
            headers = [HeaderLocation(name: "authorization", prefix: "Bearer ")]
            parameters = ["access_token"]
        }
        var found: [CarriedToken] = []
        for location in headers {
            let name = location.name.lowercased()
            for field in request.headers where field.name.elementsEqual(name.utf8) {
                guard let text = Self.text(behind: Array(location.prefix.utf8), in: field.value) else { continue }
                found.append(CarriedToken(place: .header(name), text: text))
            }
        }
        for name in parameters {
            guard let value = request.parameter(name) else { continue }
            found.append(CarriedToken(place: .parameter(name), text: value))
        }
        for name in fromCookies {
            guard let value = request.cookie(name) else { continue }
            found.append(CarriedToken(place: .cookie(name), text: value))
        }
        return found
    }

    private static func text(behind prefix: [UInt8], in value: RequestText) -> [UInt8]? {
        var start = value.startIndex
        while start + prefix.count <= value.endIndex {
            if value[start...].starts(with: prefix) { return Array(value[(start + prefix.count)...]) }
            start += 1
        }
        return nil
    }
}

/// What of a request matters to tokens.
package struct TokenRequest: Sendable {
    package let method: RequestText
    package let scheme: String
    package let host: RequestText
    /// The path with its query.
    package let target: RequestText
    /// Names in lower case.
    package let headers: [HeaderField]

    package init(
        method: RequestText, scheme: String = "http", host: RequestText, target: RequestText, headers: [HeaderField]
    ) {
        self.method = method
        self.scheme = scheme
        self.host = host
        self.target = target
        self.headers = headers
    }

    /// For the realm of a refusal.
    package var url: String {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return "\(scheme)://\(String(decoding: host, as: UTF8.self))\(String(decoding: path, as: UTF8.self))"
    }

    package var isGRPC: Bool {
        guard let type = headers.first(where: { $0.name.elementsEqual("content-type".utf8) }) else { return false }
        return LocalAnswer.isGRPC(contentType: type.value.span)
    }

    /// A browser asking whether it may ask: it can carry no token.
    var isPreflight: Bool {
        func has(_ name: String) -> Bool {
            headers.contains { $0.name.elementsEqual(name.utf8) && !$0.value.isEmpty }
        }
        return method.elementsEqual("OPTIONS".utf8) && has("origin") && has("access-control-request-method")
    }

    private var query: RequestText? {
        guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return target[(mark + 1)...]
    }

    func parameter(_ name: String) -> [UInt8]? {
        for pair in query?.split(separator: UInt8(ascii: "&")) ?? [] {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].elementsEqual(name.utf8) else {
                continue
            }
            return Array(pair[(equals + 1)...])
        }
        return nil
    }

    func cookie(_ name: String) -> [UInt8]? {
        for field in headers where field.name.elementsEqual("cookie".utf8) {
            for pair in field.value.split(separator: UInt8(ascii: ";")) {
                let trimmed = pair.drop { $0 == 0x20 || $0 == 0x09 }
                guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")),
                    trimmed[..<equals].elementsEqual(name.utf8)
                else { continue }
                var value = trimmed[(equals + 1)...]
                while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
                if value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
                    value = value.dropFirst().dropLast()
                }
                return Array(value)
            }
        }
        return nil
    }

    /// The target without a parameter.
    func target(without names: Set<String>) -> [UInt8] {
        guard let query else { return Array(target) }
        let kept = query.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).filter { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return !names.contains { name.elementsEqual($0.utf8) }
        }
        let path = Array(target[..<(query.startIndex - 1)])
        return kept.isEmpty ? path : path + [UInt8(ascii: "?")] + kept.joined(separator: [UInt8(ascii: "&")])
    }
}
