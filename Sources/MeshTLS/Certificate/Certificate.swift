import COpenSSL

/// One X.509 certificate that we own.
@safe final class Certificate {
    /// Valid for the life of this object.
    let raw: OpaquePointer

    /// Takes over the caller's reference.
    init(owning raw: OpaquePointer) { unsafe self.raw = raw }
    deinit { unsafe X509_free(raw) }

    /// Reads what `encoded` wrote; `nil` for anything else.
    convenience init?(der: [UInt8]) {
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_X509(nil, &start, bytes.count)
        }
        guard let raw = unsafe parsed else {
            ErrorQueue.clear()
            return nil
        }
        unsafe self.init(owning: raw)
    }

    /// DER; empty when there is no certificate.
    static func encoded(_ certificate: OpaquePointer?) -> [UInt8] {
        let size = unsafe Int(max(0, i2d_X509(certificate, nil)))
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            var start = buffer.baseAddress
            count = unsafe size > 0 ? Int(max(0, i2d_X509(certificate, &start))) : 0
        }
    }

    var facts: CertificateFacts { unsafe CertificateFacts(raw) }
}

/// Reading a certificate that somebody else keeps alive during the call.
enum CertificateReader {
    /// The URI SANs in their order; one that is not UTF-8 is repaired, which makes it no SPIFFE ID.
    static func uris(_ certificate: OpaquePointer) -> [String] {
        guard let found = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        var uris: [String] = []
        for index in 0..<(unsafe OPENSSL_sk_num(names)) {
            guard let item = unsafe OPENSSL_sk_value(names, index) else { continue }
            let name = unsafe item.assumingMemoryBound(to: GENERAL_NAME.self).pointee
            guard unsafe name.type == GEN_URI, let uri = unsafe name.d.uniformResourceIdentifier else { continue }
            let bytes = unsafe UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(uri), count: Int(ASN1_STRING_length(uri)))
            unsafe uris.append(String(decoding: bytes, as: UTF8.self))
        }
        return uris
    }

    /// Seconds since 1970; `nil` when the time is malformed.
    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time = unsafe time, let epoch = unsafe ASN1_TIME_set(nil, 0) else { return nil }
        defer { unsafe ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    static func notBefore(_ certificate: OpaquePointer) -> Int64 {
        unsafe seconds(X509_get0_notBefore(certificate)) ?? .min
    }

    static func notAfter(_ certificate: OpaquePointer) -> Int64 {
        unsafe seconds(X509_get0_notAfter(certificate)) ?? .min
    }

    static func isExpired(_ certificate: OpaquePointer) -> Bool {
        // Zero means that the time is malformed, which must not count as valid.
        unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0
    }

    /// Decimal.
    static func serialNumber(_ certificate: OpaquePointer) -> String {
        guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nil) else { return "?" }
        defer { unsafe BN_free(number) }
        guard let text = unsafe BN_bn2dec(number) else { return "?" }
        defer { unsafe copenssl_free(text) }
        return unsafe String(cString: text)
    }

    static func issuer(_ certificate: OpaquePointer) -> String { unsafe name(X509_get_issuer_name(certificate)) }
    static func subject(_ certificate: OpaquePointer) -> String { unsafe name(X509_get_subject_name(certificate)) }

    /// How a message names the certificate: its first URI, else its subject.
    static func label(_ certificate: OpaquePointer) -> String {
        if let uri = unsafe uris(certificate).first { return listText([uri]) }
        let subject = unsafe subject(certificate)
        return subject.isEmpty ? "without a name" : "\"\(subject)\""
    }

    /// RFC 2253 text, at most 255 bytes.
    private static func name(_ name: OpaquePointer?) -> String {
        guard let name = unsafe name, let memory = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(memory) }
        guard unsafe X509_NAME_print_ex(memory, name, 0, COPENSSL_NAME_RFC2253) >= 0 else { return "" }
        return unsafe String(unsafeUninitializedCapacity: 255) { text in
            max(0, Int(unsafe BIO_read(memory, text.baseAddress, Int32(text.count))))
        }
    }
}
