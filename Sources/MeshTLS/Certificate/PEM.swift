import COpenSSL

/// A private key that we own.
@safe final class PrivateKey {
    /// Valid for the life of this object.
    let raw: OpaquePointer
    init(owning raw: OpaquePointer) { unsafe self.raw = raw }
    deinit { unsafe EVP_PKEY_free(raw) }
}

/// Reads PEM text. Text outside of blocks, and blocks of another kind, are passed over (RFC 7468 section 2).
enum PEM {
    /// Largest input, in bytes: far above any real bundle, far below what would hurt.
    static let limit = 4 << 20

    /// - Returns: the certificates in order, and libcrypto's reason for each block that is none.
    static func certificates(_ text: [UInt8]) -> (valid: [Certificate], invalid: [String]) {
        var valid: [Certificate] = []
        var invalid: [String] = []
        ErrorQueue.clear()
        unsafe withMemory(text) { memory in
            var before = unsafe BIO_ctrl_pending(memory)
            while true {
                if let raw = unsafe PEM_read_bio_X509(memory, nil, nil, nil) {
                    unsafe valid.append(Certificate(owning: raw))
                    continue
                }
                let last = ERR_peek_last_error()
                let reason = ErrorQueue.takeText()
                if isEnd(last) { return }
                invalid.append(reason)
                // A block that libcrypto does not step over would be read for ever.
                let left = unsafe BIO_ctrl_pending(memory)
                if left == before { return }
                before = left
            }
        }
        return (valid, invalid)
    }

    /// - Returns: `nil` and the reason when there is no key, or an encrypted one.
    static func privateKey(_ text: [UInt8]) -> (key: PrivateKey?, reason: String) {
        ErrorQueue.clear()
        var key: PrivateKey?
        unsafe withMemory(text) { memory in
            // Without a callback libcrypto would ask for a password on the terminal.
            let raw = unsafe PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in -1 }, nil)
            if let raw = unsafe raw { unsafe key = PrivateKey(owning: raw) }
        }
        return (key, key == nil ? ErrorQueue.takeText() : "")
    }

    private static func withMemory(_ text: [UInt8], _ body: (OpaquePointer) -> Void) {
        guard !text.isEmpty, text.count <= limit else { return }
        unsafe text.withUnsafeBytes { bytes in
            guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return }
            defer { unsafe BIO_free(memory) }
            unsafe body(memory)
        }
    }

    private static func isEnd(_ code: UInt) -> Bool {
        code == 0 || (Int32(code >> 23 & 0xFF) == ERR_LIB_PEM && Int32(code & 0x7F_FFFF) == PEM_R_NO_START_LINE)
    }
}
