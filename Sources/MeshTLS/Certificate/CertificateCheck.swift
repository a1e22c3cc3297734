import COpenSSL

/// What libcrypto says of certificates that are looked at, not used. Pure: bytes in, answer out.
package enum CertificateCheck {
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        // 32 bytes is what SHA-256 writes.
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            _ = unsafe SHA256(bytes, bytes.count, digest.baseAddress)
            count = 32
        }
    }

    /// Whether the key of `issuer` made the signature of `certificate`; both in DER. Nothing else is looked at.
    package static func isSigned(_ certificate: [UInt8], by issuer: [UInt8]) -> Bool {
        guard let certificate = Certificate(der: certificate), let issuer = Certificate(der: issuer),
            let key = unsafe X509_get0_pubkey(issuer.raw)
        else { return false }
        defer { ErrorQueue.clear() }
        return unsafe X509_verify(certificate.raw, key) == 1
    }

    /// The same of a revocation list.
    package static func isSigned(revocationList: [UInt8], by issuer: [UInt8]) -> Bool {
        defer { ErrorQueue.clear() }
        guard let issuer = Certificate(der: issuer), let key = unsafe X509_get0_pubkey(issuer.raw) else { return false }
        let parsed = unsafe revocationList.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_X509_CRL(nil, &start, bytes.count)
        }
        guard let list = unsafe parsed else { return false }
        defer { unsafe X509_CRL_free(list) }
        return unsafe X509_CRL_verify(list, key) == 1
    }
}

/// A private key that is looked at: of what kind it is, and whose. Nothing of it can be got out again.
package struct PrivateKeyCheck: Sendable {
    /// The PEM text, kept to compare by.
    private let text: [UInt8]
    /// Such as `EC 256` or `RSA 2048`.
    package let kind: String
    /// `SubjectPublicKeyInfo` in DER, as libcrypto writes it.
    package let publicKey: [UInt8]

    /// `nil` when libcrypto cannot read it, or it is encrypted.
    package init?(pem: [UInt8]) {
        guard let key = PEM.privateKey(pem).key else { return nil }
        text = pem
        let name = unsafe EVP_PKEY_get0_type_name(key.raw).map { unsafe String(cString: $0) } ?? "key"
        let size = unsafe i2d_PUBKEY(key.raw, nil)
        publicKey = unsafe [UInt8](unsafeUninitializedCapacity: Int(max(0, size))) { buffer, count in
            // libcrypto writes as many bytes as it announced, and moves its own copy of the pointer.
            var start = buffer.baseAddress
            count = Int(max(0, unsafe i2d_PUBKEY(key.raw, &start)))
        }
        kind = "\(name) \(unsafe EVP_PKEY_get_bits(key.raw))"
    }

    /// Whether it is the key of this certificate, in DER.
    package func fits(_ certificate: [UInt8]) -> Bool {
        guard let key = PEM.privateKey(text).key, let certificate = Certificate(der: certificate) else { return false }
        defer { ErrorQueue.clear() }
        return unsafe X509_check_private_key(certificate.raw, key.raw) == 1
    }
}
