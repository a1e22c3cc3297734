/// Whose code does the work of an AEAD.
package enum AEADEngine: String, Sendable, CaseIterable {
    case libcrypto
    /// The copy inside swift-crypto: VAES with 256 bits too, where processors have no AVX-512; slower on small texts.
    case boringSSL = "BoringSSL"
    /// Intel's library: AES-GCM by AVX-512 where the processor has it. Not on other processors than x86-64.
    case ipsecMB = "libipsec-mb"

    /// Whether it knows the algorithm here, and has passed its check.
    package func serves(_ suite: TLSOptions.CipherSuite) -> Bool {
        switch self {
        case .libcrypto: AEADCheck.libcrypto.contains(suite)
        case .boringSSL: AEADCheck.boringSSL.contains(suite)
        case .ipsecMB: AEADCheck.ipsecMB.contains(suite)
        }
    }

    /// The one that seals faster here, measured once per process; `nil` when none serves.
    package static func fastest(_ suite: TLSOptions.CipherSuite) -> AEADEngine? {
        switch suite {
        case .aes128GCM: AEADCheck.fastestAES128
        case .aes256GCM: AEADCheck.fastestAES256
        case .chacha20Poly1305: AEADCheck.fastestChaCha20
        }
    }

    /// What it runs on, for people, such as "libipsec-mb with VAES".
    package var label: String {
        switch self {
        case .libcrypto, .boringSSL: return rawValue
        case .ipsecMB:
            #if canImport(CIPSecMB)
                return IPSecMB.usesVAES ? "\(rawValue) with VAES" : rawValue
            #else
                return rawValue
            #endif
        }
    }
}

/// Checks engines by known answers and measures them, each once per process.
private enum AEADCheck {
    static let libcrypto = passed(.libcrypto)
    static let boringSSL = passed(.boringSSL)
    static let ipsecMB = passed(.ipsecMB)
    static let fastestAES128 = fastest(.aes128GCM)
    static let fastestAES256 = fastest(.aes256GCM)
    static let fastestChaCha20 = fastest(.chacha20Poly1305)

    private static func passed(_ engine: AEADEngine) -> [TLSOptions.CipherSuite] {
        TLSOptions.CipherSuite.allCases.filter { suite in
            AEADVector.all[suite].map { $0.holds(engine, suite) } ?? false
        }
    }

    private static func fastest(_ suite: TLSOptions.CipherSuite) -> AEADEngine? {
        AEADEngine.allCases.filter { $0.serves(suite) }.map { ($0, cost($0, suite)) }.min { $0.1 < $1.1 }?.0
    }

    /// Time for a mixture of a full record and four of a small answer's size: bulk and requests both count. The best of some
    /// runs, since the others were disturbed. Cost: some 50 µs.
    private static func cost(_ engine: AEADEngine, _ suite: TLSOptions.CipherSuite) -> Duration {
        let secret = [UInt8](repeating: 7, count: suite.keySize)
        guard let key = AEADKey(suite, .seal, engine, secret) else { return .seconds(1) }
        let large = 16_384
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: large + AEADKey.tagSize)
        unsafe buffer.initialize(repeating: 0, count: large + AEADKey.tagSize)
        defer { unsafe buffer.deallocate() }
        var header: UInt64 = 0
        var best = Duration.seconds(1)
        for _ in 0..<6 {
            let elapsed = ContinuousClock().measure {
                unsafe withUnsafeBytes(of: &header) { header in
                    guard let header = unsafe header.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
                    _ = unsafe key.seal(buffer, large, into: buffer, header: header, nonce: Nonce(high: 0, low: 0))
                    for _ in 0..<4 {
                        _ = unsafe key.seal(buffer, 1024, into: buffer, header: header, nonce: Nonce(high: 0, low: 0))
                    }
                }
            }
            best = min(best, elapsed)
        }
        return best
    }
}
