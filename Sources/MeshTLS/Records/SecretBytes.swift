import COpenSSL

/// Up to 64 secret bytes, wiped when they go.
@safe struct SecretBytes: ~Copyable {
    static let capacity = 64

    let base: UnsafeMutablePointer<UInt8>
    let count: Int

    /// Filled by `fill`, which is given `capacity` bytes and says how many of them count; `nil` when it says nothing.
    init?(_ fill: (UnsafeMutablePointer<UInt8>) -> Int?) {
        let base = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.capacity)
        unsafe base.initialize(repeating: 0, count: Self.capacity)
        guard let count = unsafe fill(base), count <= Self.capacity else {
            unsafe OPENSSL_cleanse(base, Self.capacity)
            unsafe base.deallocate()
            return nil
        }
        unsafe self.base = unsafe base
        self.count = count
    }

    deinit {
        unsafe OPENSSL_cleanse(base, Self.capacity)
        unsafe base.deallocate()
    }

    /// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1).
    ///
    /// - Parameter count: at most what the hash gives, so that HKDF-Expand is one HMAC (RFC 5869 section 2.3).
    borrowing func expanded(_ label: String, _ count: Int, _ hash: RecordHash) -> SecretBytes? {
        guard count <= hash.size else { return nil }
        let name = Array("tls13 \(label)".utf8)
        // Length, label and context, the last two behind a length of a byte; then the number of the block, which is 1.
        let info = [0, UInt8(count), UInt8(name.count)] + name + [0, 1]
        return unsafe SecretBytes { (output: UnsafeMutablePointer<UInt8>) -> Int? in
            let made = unsafe HMAC(hash.digest, base, Int32(self.count), info, info.count, output, nil)
            return unsafe made == nil ? nil : count
        }
    }
}

/// The hash of a suite.
enum RecordHash {
    case sha256, sha384

    var size: Int { self == .sha256 ? 32 : 48 }
    fileprivate var digest: OpaquePointer? { unsafe self == .sha256 ? EVP_sha256() : EVP_sha384() }
}

extension TLSOptions.CipherSuite {
    var hash: RecordHash { self == .aes256GCM ? .sha384 : .sha256 }
}
