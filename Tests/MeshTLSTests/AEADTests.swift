import Testing

@testable import MeshTLS

@Suite("AEAD engines")
struct AEADTests {
    typealias Suite = TLSOptions.CipherSuite

    static let pairs = AEADEngine.allCases.flatMap { engine in Suite.allCases.map { (engine, $0) } }
        .filter { engine, suite in engine.serves(suite) }

    static func key(_ suite: Suite, _ purpose: AEADKey.Purpose, _ engine: AEADEngine, first: UInt8 = 1) throws
        -> AEADKey
    {
        let bytes = (0..<suite.keySize).map { UInt8(truncatingIfNeeded: $0) &+ first }
        guard let key = AEADKey(suite, purpose, engine, bytes) else { throw Missing() }
        return key
    }
    struct Missing: Error {}

    /// Text and tag, sealed from one block of its own size to another, so that a sanitizer sees a step outside.
    static func seal(_ key: borrowing AEADKey, _ text: [UInt8], _ nonce: Nonce, header: [UInt8]) -> [UInt8] {
        let source = UnsafeMutablePointer<UInt8>.allocate(capacity: max(text.count, 1))
        defer { source.deallocate() }
        source.update(from: text, count: text.count)
        return [UInt8](unsafeUninitializedCapacity: text.count + AEADKey.tagSize) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            let sealed = key.seal(source, text.count, into: base, header: header, nonce: nonce)
            #expect(sealed)
            count = text.count + AEADKey.tagSize
        }
    }

    static func open(_ key: borrowing AEADKey, _ sealed: [UInt8], _ nonce: Nonce, header: [UInt8]) -> [UInt8]? {
        var bytes = sealed
        let count = sealed.count - AEADKey.tagSize
        let good = bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return key.open(base, count, into: base, header: header, nonce: nonce)
        }
        return good ? Array(bytes[..<count]) : nil
    }

    static let header: [UInt8] = [0x17, 3, 3, 1, 2]
    static let nonce = Nonce(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C)

    @Test("libcrypto and BoringSSL serve every suite, and what is fastest serves")
    func serves() {
        for suite in Suite.allCases {
            #expect(AEADEngine.libcrypto.serves(suite))
            #expect(AEADEngine.boringSSL.serves(suite))
            #expect(AEADEngine.fastest(suite)?.serves(suite) == true)
        }
        #expect(!AEADEngine.ipsecMB.serves(.chacha20Poly1305))
    }

    #if canImport(CIPSecMB)
        @Test("libipsec-mb serves AES-GCM")
        func intel() {
            #expect(AEADEngine.ipsecMB.serves(.aes128GCM))
            #expect(AEADEngine.ipsecMB.serves(.aes256GCM))
            #expect(AEADEngine.ipsecMB.label.hasPrefix("libipsec-mb"))
        }
    #endif

    @Test("gives the bytes of RFC 8448", arguments: pairs.filter { $0.1 == .aes128GCM })
    func knownRecord(engine: AEADEngine, suite: Suite) throws {
        guard let key = AEADKey(suite, .seal, engine, RFC8448.clientKey) else { throw Missing() }
        let nonce = Nonce(high: 0x5b78_923d_ee08_5790, low: 0x33e5_23d9)
        let sealed = Self.seal(
            key, RFC8448.payload + [0x17], nonce, header: Array(RFC8448.clientData[..<5]))
        #expect(sealed == Array(RFC8448.clientData[5...]))
    }

    @Test("engines open what the others sealed, at every size about the edges of their loops", arguments: pairs)
    func agrees(engine: AEADEngine, suite: Suite) throws {
        let sealing = try Self.key(suite, .seal, engine)
        for other in AEADEngine.allCases where other.serves(suite) {
            let opening = try Self.key(suite, .open, other)
            let edges = [255, 256, 257, 767, 768, 769, 1023, 4097, 16_384, 16_385, 16_640]
            for count in Array(0...130) + edges {
                let text = RecordTests.pattern(count)
                let sealed = Self.seal(sealing, text, Self.nonce, header: Self.header)
                #expect(Self.open(opening, sealed, Self.nonce, header: Self.header) == text)
            }
        }
    }

    @Test("every altered bit of text, tag, header and nonce is refused", arguments: pairs)
    func refuses(engine: AEADEngine, suite: Suite) throws {
        let sealing = try Self.key(suite, .seal, engine)
        let opening = try Self.key(suite, .open, engine)
        let sealed = Self.seal(sealing, RecordTests.pattern(33), Self.nonce, header: Self.header)
        for bit in 0..<sealed.count * 8 {
            var altered = sealed
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.open(opening, altered, Self.nonce, header: Self.header) == nil)
        }
        for bit in 0..<40 {
            var altered = Self.header
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.open(opening, sealed, Self.nonce, header: altered) == nil)
        }
        for bit in 0..<64 {
            let altered = Nonce(high: Self.nonce.high ^ 1 << UInt64(bit), low: Self.nonce.low ^ 1 << UInt32(bit % 32))
            #expect(Self.open(opening, sealed, altered, header: Self.header) == nil)
        }
        #expect(Self.open(opening, sealed, Self.nonce, header: Self.header) != nil)
        let wrong = try Self.key(suite, .open, engine, first: 2)
        #expect(Self.open(wrong, sealed, Self.nonce, header: Self.header) == nil)
    }

    @Test("keys of another size are refused", arguments: pairs)
    func refusesKeySize(engine: AEADEngine, suite: Suite) {
        let missing = AEADKey(suite, .seal, engine, [1, 2, 3]) == nil
        #expect(missing)
    }

    @Test("a known answer tells a broken engine")
    func checkCanFail() {
        // The vector of one suite does not hold for another.
        #expect(AEADVector.all[.aes128GCM]?.holds(.libcrypto, .aes256GCM) == false)
        #expect(AEADVector.all[.aes256GCM]?.holds(.libcrypto, .aes256GCM) == true)
    }
}
