package import MeshCore

/// The `forwarded` header of a CONNECT request: who opened the connection, and the service that it addressed.
///
/// Shape: `for="1.2.3.4:80";host=name`; IPv6 as `for="[::1]:80"`. Source: RFC 7239. What a peer sends here only names
/// a service in telemetry: its source address is never trusted.
package struct Forwarded: Sendable, Hashable {
    package var source: SocketAddress?
    package var host: String?

    /// Longest value that is read, in bytes.
    package static let textLimit = 1024

    package init(source: SocketAddress, host: String? = nil) {
        self.source = source
        self.host = host
    }

    /// The value to send. A host that is no hostname is left out.
    package var headerValue: String {
        var text = ""
        if let source { text = "for=\"\(source.authority)\"" }
        if let host, !host.isEmpty, host.utf8.allSatisfy(Self.isHostByte) {
            text += text.isEmpty ? "host=\(host)" : ";host=\(host)"
        }
        return text
    }

    /// Reads the first element of a received value. Parameters other than `for` and `host` are skipped; a host that is
    /// empty, or holds anything but letters, digits, `-`, `.`, `_`, `*`, `:`, `[` and `]`, counts as missing.
    /// `nil` when the value is not of the header's form.
    package init?(parsing bytes: Span<UInt8>) {
        guard bytes.count <= Self.textLimit else { return nil }
        (source, host) = (nil, nil)
        if bytes.isEmpty { return }
        var scanner = Scanner()
        repeat {
            scanner.skipSpace(bytes)
            guard let name = scanner.token(bytes), scanner.take(UInt8(ascii: "="), bytes),
                let value = scanner.value(bytes)
            else { return nil }
            scanner.skipSpace(bytes)
            let text = bytes.extracting(value)
            if bytes.isWord("host", name), host == nil {
                if !text.isEmpty, text.indices.allSatisfy({ Self.isHostByte(text[$0]) }) { host = text.text }
            } else if bytes.isWord("for", name), source == nil {
                if case .address(let address)? = HBONEAuthority(parsing: text) { source = address }
            }
        } while scanner.take(UInt8(ascii: ";"), bytes)
        guard scanner.isAtEnd(bytes) || scanner.take(UInt8(ascii: ","), bytes) else { return nil }
    }

    /// - Parameter bytes: a header value as the HTTP/2 library lends it; not kept.
    package init?(bytes: UnsafeBufferPointer<UInt8>) {
        self.init(parsing: unsafe bytes.span)
    }

    package init?(_ text: String) { self.init(parsing: text.utf8.span) }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-")...UInt8(ascii: "."): true
        case UInt8(ascii: "_"), UInt8(ascii: "*"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
        default: false
        }
    }

    /// Walks over the parameters of a value.
    private struct Scanner {
        var index = 0

        func isAtEnd(_ bytes: Span<UInt8>) -> Bool { index == bytes.count }

        mutating func skipSpace(_ bytes: Span<UInt8>) {
            while index < bytes.count, bytes[index] == UInt8(ascii: " ") || bytes[index] == 9 { index += 1 }
        }

        mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func token(_ bytes: Span<UInt8>) -> Range<Int>? {
            let start = index
            while index < bytes.count, bytes[index] > 32, bytes[index] < 127, !Self.isSeparator(bytes[index]) {
                index += 1
            }
            return index > start ? start..<index : nil
        }

        /// A token or a quoted text, without its quotes. Escapes are not needed in hosts and addresses: a text with one
        /// is read as it stands, and fails as a host.
        mutating func value(_ bytes: Span<UInt8>) -> Range<Int>? {
            let isQuoted = take(UInt8(ascii: "\""), bytes)
            let start = index
            guard isQuoted else {
                while index < bytes.count, !Self.isEnd(bytes[index]) { index += 1 }
                return start..<index
            }
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard index < bytes.count else {
                index = bytes.count
                return nil
            }
            index += 1
            return start..<index - 1
        }

        private static func isSeparator(_ byte: UInt8) -> Bool {
            isEnd(byte) || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "\"")
        }

        private static func isEnd(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ";") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == 9
        }
    }
}

extension Span where Element == UInt8 {
    /// True when the bytes of the range are that lower-case word, in any case.
    fileprivate func isWord(_ word: String, _ range: Range<Int>) -> Bool {
        guard range.count == word.utf8.count else { return false }
        return zip(range, word.utf8).allSatisfy { self[$0] | 0x20 == $1 }
    }
}
