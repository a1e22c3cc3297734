/// How a call ended, as gRPC says it behind the answer or in its place.
///
/// Source: grpc/grpc `doc/statuscodes.md` and `doc/PROTOCOL-HTTP2.md`.
package struct CallStatus: Error, Hashable {
    package enum Code: Int, Sendable {
        case invalidArgument = 3
        case deadlineExceeded = 4
        case resourceExhausted = 8
        case unimplemented = 12
        case internalError = 13
        case unavailable = 14
        case unauthenticated = 16
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message as a header may hold it: bytes that are not visible ASCII, and `%`, as `%XX`.
    package var headerMessage: String {
        let isPlain = message.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "%") }
        if isPlain { return message }
        var text = ""
        for byte in message.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }
}

extension CallStatus {
    init(_ refusal: Refusal) {
        let status = refusal.status
        let code: Code =
            switch status.code {
            case .unauthenticated: .unauthenticated
            case .invalidArgument: .invalidArgument
            case .internalError: .internalError
            case .resourceExhausted: .resourceExhausted
            case .unavailable: .unavailable
            }
        self.init(code, status.message)
    }
}
