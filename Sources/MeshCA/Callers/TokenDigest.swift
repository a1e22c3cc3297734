import Crypto
import MeshCore

/// SHA-256 of a bearer token: enough to recognise it, not enough to use it.
struct TokenDigest: Sendable {
    private let bytes: [UInt8]

    init(of token: some StringProtocol) { bytes = Array(SHA256.hash(data: Array(token.utf8))) }

    /// Takes the same time wherever the two differ.
    func matches(_ other: TokenDigest) -> Bool {
        var difference: UInt8 = 0
        for (a, b) in zip(bytes, other.bytes) { difference |= a ^ b }
        return difference == 0
    }
}

/// A file with one bearer token.
enum TokenFile {
    /// The text without trailing line ends. Deviation: istiod's clients send them as they are, and are refused.
    /// - Throws: `.empty` when nothing is left, `.form` for bytes that cannot be in a header.
    static func token(of text: String) throws(TokenError) -> String {
        let token = text.trimmingSuffix { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        guard !token.isEmpty else { throw .empty }
        guard token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .form }
        return String(token)
    }
}

/// Why a text is not a bearer token.
package enum TokenError: Error, Hashable, CustomStringConvertible {
    case empty, form

    package var description: String {
        switch self {
        case .empty: "the token file is empty"
        case .form: "the token file holds more than one word of printable ASCII"
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(while unwanted: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, unwanted(last) { rest.removeLast() }
        return rest
    }
}
