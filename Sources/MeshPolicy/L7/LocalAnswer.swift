/// An answer that a waypoint gives itself, instead of the service behind it.
package struct LocalAnswer: Sendable, Hashable {
    package let status: Int
    /// Besides `content-length`.
    package let headers: [Header]
    package let body: String
    /// For logs: response code details.
    package let details: String

    package struct Header: Sendable, Hashable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// - Parameters:
    ///   - extra: headers of an HTTP answer; a gRPC answer keeps them too.
    ///   - isGRPC: whether the request was gRPC, which is told by status 200 and trailers without a body.
    package init(
        status: Int, body: String, details: String, headers extra: [Header] = [], isGRPC: Bool
    ) {
        self.details = details
        guard isGRPC else {
            self.status = status
            let isTyped = extra.contains { $0.name.lowercased() == "content-type" }
            headers = (body.isEmpty || isTyped ? [] : [Header("content-type", "text/plain")]) + extra
            self.body = body
            return
        }
        self.status = 200
        headers =
            [
                Header("content-type", "application/grpc"),
                Header("grpc-status", String(Self.grpcStatus(forHTTP: status))),
            ] + (body.isEmpty ? [] : [Header("grpc-message", Self.percentEncoded(body))])
            + extra.filter { $0.name.lowercased() != "content-type" }
        self.body = ""
    }

    /// A request that policies refuse.
    package static func denied(_ reason: RequestVerdict.DenyReason, isGRPC: Bool) -> LocalAnswer {
        LocalAnswer(status: 403, body: "RBAC: access denied", details: details(reason), isGRPC: isGRPC)
    }

    /// A request that matches a CUSTOM rule whose provider cannot be asked.
    package static func denied(badProviderFor rule: RequestRule, isGRPC: Bool) -> LocalAnswer {
        LocalAnswer(
            status: 403, body: "RBAC: access denied", details: details(id: CustomStep.badProviderID(rule)),
            isGRPC: isGRPC)
    }

    /// What a refusal is called in logs: the response code details of a request, the termination details of a TCP
    /// connection.
    package static func details(_ reason: RequestVerdict.DenyReason) -> String {
        switch reason {
        case .matched(let rule): details(id: rule.id)
        case .noneAllowed: details(id: "none")
        }
    }

    private static func details(id: String) -> String {
        "rbac_access_denied_matched_policy[\(id.split(whereSeparator: \.isWhitespace).joined(separator: "_"))]"
    }

    /// Whether a content type is that of gRPC.
    package static func isGRPC(contentType: Span<UInt8>) -> Bool {
        contentType.hasFolded(Array("application/grpc".utf8).span, at: 0)
    }

    /// Source: Envoy's mapping of HTTP to gRPC status for answers of its own.
    package static func grpcStatus(forHTTP status: Int) -> Int {
        switch status {
        case 400: 13
        case 401: 16
        case 403: 7
        case 404: 12
        case 429, 502, 503, 504: 14
        default: 2
        }
    }

    /// Source: gRPC over HTTP/2, Percent-Encoded: 0x20 to 0x7E but `%` as they are.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
