/// A known answer that an engine must give before it is used: the tag of a text long enough to run through every loop.
///
/// Key `00 01 02 …`, nonce `A0 A1 … AB`, header of a record of that size, text of 1057 bytes, byte n of which is 7n.
/// Source: computed by pycryptodome, and the same by OpenSSL.
struct AEADVector {
    private static let size = 1057
    private static let nonce = Nonce(high: 0xA0A1_A2A3_A4A5_A6A7, low: 0xA8A9_AAAB)

    private let tag: [UInt8]

    static let all: [TLSOptions.CipherSuite: AEADVector] = [
        .aes128GCM: AEADVector(tag: [
            0x3D, 0x69, 0x11, 0xA9, 0xFE, 0x46, 0x3E, 0x44, 0x74, 0xD0, 0x3F, 0x4D, 0x94, 0xAF, 0x4F, 0x24,
        ]),
        .aes256GCM: AEADVector(tag: [
            0x80, 0x1D, 0xC2, 0xAA, 0xFA, 0xEB, 0xB0, 0x4E, 0x18, 0x32, 0xED, 0xB6, 0x57, 0xAE, 0x1C, 0x8F,
        ]),
        .chacha20Poly1305: AEADVector(tag: [
            0x12, 0xB6, 0xD4, 0xC2, 0x0D, 0x89, 0x57, 0xEC, 0x37, 0x5C, 0x4E, 0x3C, 0xC9, 0x81, 0x91, 0x90,
        ]),
    ]

    /// Whether the engine gives the tag, opens what it sealed, and refuses it when a bit is wrong.
    func holds(_ engine: AEADEngine, _ suite: TLSOptions.CipherSuite) -> Bool {
        let secret = (0..<suite.keySize).map { UInt8($0) }
        guard let sealing = AEADKey(suite, .seal, engine, secret), let opening = AEADKey(suite, .open, engine, secret)
        else { return false }
        let text = (0..<Self.size).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var record = text + [UInt8](repeating: 0, count: AEADKey.tagSize)
        let sealedSize = record.count
        let header: [UInt8] = [0x17, 3, 3, UInt8(sealedSize >> 8), UInt8(sealedSize & 0xFF)]
        return unsafe record.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress,
                unsafe sealing.seal(base, Self.size, into: base, header: header, nonce: Self.nonce),
                unsafe buffer[Self.size...].elementsEqual(tag)
            else { return false }
            unsafe buffer[sealedSize - 1] ^= 1
            let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.size)
            defer { unsafe scratch.deallocate() }
            let refused = unsafe !opening.open(base, Self.size, into: scratch, header: header, nonce: Self.nonce)
            ErrorQueue.clear()
            unsafe buffer[sealedSize - 1] ^= 1
            return unsafe refused && opening.open(base, Self.size, into: base, header: header, nonce: Self.nonce)
                && buffer[..<Self.size].elementsEqual(text)
        }
    }
}
