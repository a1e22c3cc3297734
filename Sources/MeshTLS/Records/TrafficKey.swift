/// The key of one direction: protects records in their order.
struct TrafficKey: ~Copyable {
    private let suite: TLSOptions.CipherSuite
    private let purpose: AEADKey.Purpose
    private let engine: AEADEngine
    private let secret: SecretBytes
    private let key: AEADKey
    private let iv: Nonce
    /// Of the next record; RFC 8446 section 5.3. Never comes near its end: keys are changed long before.
    private var sequence: UInt64 = 0

    /// Takes the traffic secret of the direction over.
    init?(
        _ suite: TLSOptions.CipherSuite, _ purpose: AEADKey.Purpose, _ engine: AEADEngine, secret: consuming SecretBytes
    ) {
        guard secret.count == suite.hash.size, let bytes = secret.expanded("key", suite.keySize, suite.hash),
            let iv = secret.expanded("iv", 12, suite.hash), let key = AEADKey(suite, purpose, engine, bytes)
        else { return nil }
        self.suite = suite
        self.purpose = purpose
        self.engine = engine
        self.secret = secret
        self.key = key
        self.iv = iv.nonce
    }

    /// The key after a KeyUpdate; `nil` when memory is short. Source: RFC 8446 section 7.2.
    borrowing func next() -> TrafficKey? {
        guard let secret = secret.expanded("traffic upd", suite.hash.size, suite.hash) else { return nil }
        return TrafficKey(suite, purpose, engine, secret: secret)
    }

    @inline(__always)
    private mutating func takeNonce() -> Nonce {
        defer { sequence += 1 }
        return Nonce(high: iv.high ^ sequence >> 32, low: iv.low ^ UInt32(truncatingIfNeeded: sequence))
    }

    /// See `AEADKey.seal`; the next record in order.
    @inline(__always)
    mutating func seal(
        _ text: UnsafePointer<UInt8>, _ count: Int, into sealed: UnsafeMutablePointer<UInt8>,
        header: UnsafePointer<UInt8>
    ) -> Bool {
        let nonce = takeNonce()
        return unsafe key.seal(text, count, into: sealed, header: header, nonce: nonce)
    }

    /// See `AEADKey.open`; the next record in order.
    @inline(__always)
    mutating func open(
        _ sealed: UnsafePointer<UInt8>, _ count: Int, into text: UnsafeMutablePointer<UInt8>,
        header: UnsafePointer<UInt8>
    ) -> Bool {
        let nonce = takeNonce()
        return unsafe key.open(sealed, count, into: text, header: header, nonce: nonce)
    }
}

extension SecretBytes {
    /// The first twelve bytes.
    fileprivate var nonce: Nonce {
        let bytes = unsafe UnsafeRawPointer(base)
        return Nonce(
            high: UInt64(bigEndian: unsafe bytes.loadUnaligned(as: UInt64.self)),
            low: UInt32(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    }
}
