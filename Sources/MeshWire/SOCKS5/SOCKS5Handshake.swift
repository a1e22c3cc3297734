package import MeshCore

/// The server's side of a SOCKS5 handshake without authentication, fed as bytes come.
///
/// Shape: greeting `05 count methods…`, request `05 command 00 type address port`. Source: RFC 1928. Limits: a name has
/// at most 255 bytes, so a handshake at most 257 + 262. It never takes a byte that belongs to the connection behind it.
package struct SOCKS5Handshake: Sendable {
    package enum Target: Sendable, Hashable {
        case address(SocketAddress)
        case hostname(String, port: UInt16)
    }

    package enum Event: Sendable, Hashable {
        /// Answer `SOCKS5Reply.noAuthentication`; the request follows.
        case greeted
        case connect(Target)
    }

    /// Most bytes that `take` may be given at a time.
    package static let readLimit = 262

    private enum Phase { case greeting, request, over }
    private var phase = Phase.greeting
    private var bytes: [UInt8] = []

    package init() {}

    /// How many bytes it can take now without reading past the handshake; 0 when it is over.
    package var wanted: Int {
        switch phase {
        case .greeting: bytes.count < 2 ? 2 - bytes.count : 2 + Int(bytes[1]) - bytes.count
        // The type of address, and with it the length, is known from byte 4 on; a name says its own in byte 5.
        case .request: bytes.count < 5 ? 5 - bytes.count : requestLength - bytes.count
        case .over: 0
        }
    }

    private var requestLength: Int {
        switch bytes[3] {
        case 1: 4 + 4 + 2
        case 4: 4 + 16 + 2
        default: 4 + 1 + Int(bytes[4]) + 2
        }
    }

    /// Takes up to `wanted` bytes.
    /// - Returns: what they complete, or `nil` while more are needed.
    /// - Throws: why the client is refused; what it is to be told stands in `SOCKS5Error.reply`.
    package mutating func take(_ input: Span<UInt8>) throws(SOCKS5Error) -> Event? {
        precondition(input.count <= wanted, "more bytes than the handshake asked for")
        for index in 0..<input.count {
            bytes.append(input[index])
            try check()
        }
        guard wanted == 0 else { return nil }
        switch phase {
        case .greeting:
            guard bytes[2...].contains(0) else { throw end(.noCommonMethod) }
            phase = .request
            bytes = []
            return .greeted
        case .request:
            defer { phase = .over }
            return .connect(try target())
        case .over: return nil
        }
    }

    /// Refuses as soon as it can be told.
    private mutating func check() throws(SOCKS5Error) {
        guard let last = bytes.last else { return }
        switch (phase, bytes.count) {
        case (.greeting, 1), (.request, 1):
            if last != 5 { throw end(.version(last)) }
        case (.greeting, 2):
            if last == 0 { throw end(.noCommonMethod) }
        case (.request, 2):
            if last != 1 { throw end(.command(last)) }
        case (.request, 4):
            if ![1, 3, 4].contains(last) { throw end(.addressType(last)) }
        case (.request, 5):
            if bytes[3] == 3, last == 0 { throw end(.name) }
        default: break
        }
    }

    private mutating func end(_ error: SOCKS5Error) -> SOCKS5Error {
        phase = .over
        return error
    }

    private func target() throws(SOCKS5Error) -> Target {
        let port = UInt16(bytes[bytes.count - 2]) << 8 | UInt16(bytes[bytes.count - 1])
        let host = bytes[4..<bytes.count - 2]
        guard bytes[3] == 3 else {
            // Of 4 or 16 bytes, by the length that was asked for.
            guard let ip = IPAddress(bytes: host) else { throw .addressType(bytes[3]) }
            return .address(SocketAddress(ip, port))
        }
        let name = host.dropFirst()
        guard name.allSatisfy(Self.isHostByte) else { throw .name }
        let text = String(decoding: name, as: UTF8.self)
        // Some clients send every destination as a name.
        if let ip = IPAddress(text) { return .address(SocketAddress(ip, port)) }
        return .hostname(text, port: port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        case UInt8(ascii: ":"): true
        default: false
        }
    }
}

/// Why a SOCKS5 client is refused in its handshake.
package enum SOCKS5Error: Error, Sendable, Hashable, CustomStringConvertible {
    case version(UInt8)
    /// It does not offer to go without authentication.
    case noCommonMethod
    case command(UInt8)
    case addressType(UInt8)
    /// A name that is empty or no hostname.
    case name

    /// What the client is told.
    ///
    /// Deviation: upstream answers a greeting without a common method with a reply of the later form, which no client
    /// reads there; here it is the one of RFC 1928.
    package var reply: [UInt8] {
        switch self {
        case .noCommonMethod: [5, 0xff]
        case .version, .command, .addressType: SOCKS5Reply.refused(.notSupported)
        case .name: SOCKS5Reply.refused(.unreachable)
        }
    }

    package var description: String {
        switch self {
        case .version(let version): "SOCKS version \(version); expected 5"
        case .noCommonMethod: "the SOCKS5 client insists on authentication; it must offer method 0 (none)"
        case .command(let command): "SOCKS5 command \(command); only CONNECT (1) is served"
        case .addressType(let type): "SOCKS5 address type \(type); expected 1 (IPv4), 3 (name) or 4 (IPv6)"
        case .name: "the SOCKS5 client asks for a name that is no hostname"
        }
    }
}

/// What a SOCKS5 client is answered. The bound address is always 0.0.0.0:0.
package enum SOCKS5Reply {
    package enum Code: UInt8, Sendable { case general = 1, unreachable = 4, notSupported = 7 }

    package static let noAuthentication: [UInt8] = [5, 0]
    package static let accepted: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    package static func refused(_ code: Code) -> [UInt8] { [5, code.rawValue, 0, 1, 0, 0, 0, 0, 0, 0] }
}
