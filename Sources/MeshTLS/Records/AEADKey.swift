import CBoringSSL
import COpenSSL

/// The number used once of a record. Shape: 12 bytes, big-endian; `high` the first eight, `low` the last four.
struct Nonce {
    var high: UInt64
    var low: UInt32
}

/// One key of an AEAD, for one direction; seals and opens messages in place or from buffer to buffer.
///
/// The one place where keys meet an engine. Isolation: one thread at a time. Cost: no allocation per message.
@safe struct AEADKey: ~Copyable {
    enum Purpose { case seal, open }

    /// Of every suite that there is.
    static let tagSize = 16
    /// The record header is what a record authenticates besides its text.
    private static let headerSize = 5

    @safe private enum Door {
        /// A context that holds the key; each message only sets the nonce.
        case libcrypto(OpaquePointer)
        case boringSSL(UnsafeMutableRawPointer)
        #if canImport(CIPSecMB)
            case ipsecMB(IPSecMB.Key)
        #endif
    }

    private let door: Door

    /// - Parameter secret: as many bytes as the suite's keys have.
    /// - Returns: `nil` when the engine lacks the suite, or memory does.
    init?(_ suite: TLSOptions.CipherSuite, _ purpose: Purpose, _ engine: AEADEngine, _ secret: borrowing SecretBytes) {
        guard secret.count == suite.keySize else { return nil }
        unsafe self.init(suite, purpose, engine, bytes: secret.base)
    }

    /// For checks, whose keys are no secrets.
    init?(_ suite: TLSOptions.CipherSuite, _ purpose: Purpose, _ engine: AEADEngine, _ key: [UInt8]) {
        guard key.count == suite.keySize else { return nil }
        unsafe self.init(suite, purpose, engine, bytes: key)
    }

    private init?(
        _ suite: TLSOptions.CipherSuite, _ purpose: Purpose, _ engine: AEADEngine,
        bytes key: UnsafePointer<UInt8>
    ) {
        switch engine {
        case .libcrypto:
            guard let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
            let direction: Int32 = purpose == .seal ? 1 : 0
            guard unsafe EVP_CipherInit_ex(context, suite.cipher, nil, key, nil, direction) == 1 else {
                unsafe EVP_CIPHER_CTX_free(context)
                ErrorQueue.clear()
                return nil
            }
            unsafe door = .libcrypto(context)
        case .boringSSL:
            guard let made = unsafe cboringssl_key_new(suite.boringSSL, key, suite.keySize) else { return nil }
            unsafe door = .boringSSL(made)
        case .ipsecMB:
            #if canImport(CIPSecMB)
                guard let made = unsafe IPSecMB.Key(suite, key) else { return nil }
                door = .ipsecMB(made)
            #else
                return nil
            #endif
        }
    }

    deinit {
        switch door {
        // Both wipe the key as they free it.
        case .libcrypto(let context): unsafe EVP_CIPHER_CTX_free(context)
        case .boringSSL(let key): unsafe cboringssl_key_free(key)
        #if canImport(CIPSecMB)
            case .ipsecMB(let key): key.wipe()
        #endif
        }
    }

    /// Seals `count` bytes of `text`, which may be `sealed` itself, and puts the tag behind them.
    @inline(__always)
    borrowing func seal(
        _ text: UnsafePointer<UInt8>, _ count: Int, into sealed: UnsafeMutablePointer<UInt8>,
        header: UnsafePointer<UInt8>, nonce: Nonce
    ) -> Bool {
        unsafe Self.withBytes(of: nonce) { nonce in
            switch door {
            case .libcrypto(let context):
                unsafe copenssl_seal(
                    context, nonce, header, Int32(Self.headerSize), text, Int32(truncatingIfNeeded: count), sealed) == 1
            case .boringSSL(let key):
                unsafe cboringssl_seal(
                    key, nonce, header, Self.headerSize, text, count, sealed, sealed + count) == 1
            #if canImport(CIPSecMB)
                case .ipsecMB(let key):
                    unsafe key.seal(text, count, into: sealed, header: header, Self.headerSize, nonce: nonce)
            #endif
            }
        }
    }

    /// Opens `count` bytes of `sealed`, behind which their tag stands; `text` may be `sealed` itself.
    ///
    /// - Returns: false when they do not authenticate. What was written to `text` is then rubbish and not to be used.
    @inline(__always)
    borrowing func open(
        _ sealed: UnsafePointer<UInt8>, _ count: Int, into text: UnsafeMutablePointer<UInt8>,
        header: UnsafePointer<UInt8>, nonce: Nonce
    ) -> Bool {
        unsafe Self.withBytes(of: nonce) { nonce in
            switch door {
            case .libcrypto(let context):
                unsafe copenssl_open(
                    context, nonce, header, Int32(Self.headerSize), sealed, Int32(truncatingIfNeeded: count), text) == 1
            case .boringSSL(let key):
                unsafe cboringssl_open(
                    key, nonce, header, Self.headerSize, sealed, count, sealed + count, text) == 1
            #if canImport(CIPSecMB)
                case .ipsecMB(let key):
                    unsafe key.open(sealed, count, into: text, header: header, Self.headerSize, nonce: nonce)
            #endif
            }
        }
    }

    /// The nonce's bytes, on the stack and with four more behind them, as engines load 16 bytes at once.
    @inline(__always)
    private static func withBytes<R>(of nonce: Nonce, _ body: (UnsafePointer<UInt8>) -> R) -> R {
        let bytes = (nonce.high.bigEndian, UInt64(nonce.low.bigEndian).littleEndian)
        return unsafe withUnsafePointer(to: bytes) { pointer in
            unsafe pointer.withMemoryRebound(to: UInt8.self, capacity: 16, body)
        }
    }
}

extension TLSOptions.CipherSuite {
    /// Bytes of a key of its AEAD. Source: RFC 8446 appendix B.4.
    var keySize: Int {
        switch self {
        case .aes128GCM: 16
        case .aes256GCM, .chacha20Poly1305: 32
        }
    }

    fileprivate var cipher: OpaquePointer? {
        switch self {
        case .aes128GCM: unsafe EVP_aes_128_gcm()
        case .aes256GCM: unsafe EVP_aes_256_gcm()
        case .chacha20Poly1305: unsafe EVP_chacha20_poly1305()
        }
    }

    fileprivate var boringSSL: cboringssl_aead {
        switch self {
        case .aes128GCM: CBORINGSSL_AES_128_GCM
        case .aes256GCM: CBORINGSSL_AES_256_GCM
        case .chacha20Poly1305: CBORINGSSL_CHACHA20_POLY1305
        }
    }
}
