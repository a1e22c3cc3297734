/// The application traffic secrets of a handshake, as libssl tells them by its key log: its one public way to do so.
struct TrafficSecrets: ~Copyable {
    private var client: SecretBytes?
    private var server: SecretBytes?

    init() {
        client = nil
        server = nil
    }

    /// Reads a line of the log; what is not one of the two secrets is passed over.
    ///
    /// Shape: label, client random and secret, the latter two in hex, with a space between them.
    /// Source: draft-ietf-tls-keylogfile.
    mutating func note(_ line: UnsafePointer<CChar>) {
        if let digits = unsafe Self.secret(in: line, label: "CLIENT_TRAFFIC_SECRET_0") {
            client = unsafe Self.decode(digits)
        } else if let digits = unsafe Self.secret(in: line, label: "SERVER_TRAFFIC_SECRET_0") {
            server = unsafe Self.decode(digits)
        }
    }

    /// Whether both are known.
    var areComplete: Bool {
        let hasClient = client != nil
        let hasServer = server != nil
        return hasClient && hasServer
    }

    /// Gives the secrets away: what this side seals by, what it opens by.
    mutating func records(
        _ suite: TLSOptions.CipherSuite, _ engine: AEADEngine, role: TLSRole
    ) -> OwnRecords? {
        guard let client = client.take(), let server = server.take() else { return nil }
        return switch role {
        case .client: OwnRecords(suite, engine, role: role, sealing: client, opening: server)
        case .server: OwnRecords(suite, engine, role: role, sealing: server, opening: client)
        }
    }

    /// The digits of the third word, when the first one is `label`.
    private static func secret(in line: UnsafePointer<CChar>, label: StaticString) -> UnsafePointer<CChar>? {
        var rest = unsafe line
        for index in 0..<label.utf8CodeUnitCount {
            guard unsafe UInt8(bitPattern: rest.pointee) == label.utf8Start[index] else { return nil }
            unsafe rest += 1
        }
        for _ in 0..<2 {
            while unsafe rest.pointee != 0, unsafe UInt8(bitPattern: rest.pointee) != UInt8(ascii: " ") {
                unsafe rest += 1
            }
            guard unsafe rest.pointee != 0 else { return nil }
            unsafe rest += 1
        }
        return unsafe rest
    }

    private static func decode(_ digits: UnsafePointer<CChar>) -> SecretBytes? {
        unsafe SecretBytes { bytes in
            var count = 0
            while unsafe digits[2 * count] != 0 {
                guard count < SecretBytes.capacity, let high = unsafe value(digits[2 * count]),
                    let low = unsafe value(digits[2 * count + 1])
                else { return nil }
                unsafe bytes[count] = high << 4 | low
                count += 1
            }
            return count
        }
    }

    private static func value(_ digit: CChar) -> UInt8? {
        switch UInt8(bitPattern: digit) {
        case let code where code >= UInt8(ascii: "0") && code <= UInt8(ascii: "9"): code - UInt8(ascii: "0")
        case let code where code >= UInt8(ascii: "a") && code <= UInt8(ascii: "f"): code - UInt8(ascii: "a") + 10
        case let code where code >= UInt8(ascii: "A") && code <= UInt8(ascii: "F"): code - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
