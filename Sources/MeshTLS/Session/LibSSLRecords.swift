import COpenSSL

/// The record layer of libssl, over the session's BIO.
///
/// What carries data where `OwnRecords` does not: TLS 1.2, or by choice. `TLSSession` reaches application data through
/// `open` and `seal` of its `records` only. libssl reads a header, then a body, and nothing ahead (no read_ahead), so that after the handshake
/// every byte of a later record is still in the link. It keeps a partial record itself, and gives the buffer back when
/// the record is complete (SSL_MODE_RELEASE_BUFFERS).
@safe struct LibSSLRecords {
    /// Most plaintext in a record (RFC 8446 section 5.1).
    static let plaintextLimit = 16_384
    /// Header, inner type and tag of TLS 1.3 are 22; TLS 1.2 puts an explicit nonce of 8 bytes in place of the type.
    static let overhead = 29
    /// Room for a KeyUpdate that goes before the data, or an alert.
    static let slack = 64

    let ssl: OpaquePointer

    /// Decrypts until `capacity` is full or libssl stops. Cost: one pass, one copy out of libssl's buffer.
    @inline(__always)
    func open(into plain: UnsafeMutablePointer<UInt8>, capacity: Int) -> (filled: Int, stop: RecordStop) {
        ErrorQueue.clear()
        var filled = 0
        while filled < capacity {
            let count = Int32(truncatingIfNeeded: min(capacity - filled, 1 << 30))
            let taken = unsafe SSL_read(ssl, plain + filled, count)
            if taken > 0 {
                filled += Int(taken)
                continue
            }
            switch unsafe SSL_get_error(ssl, taken) {
            case SSL_ERROR_WANT_READ: return (filled, .wantsInput)
            case SSL_ERROR_ZERO_RETURN: return (filled, .closed)
            default: return (filled, .failed)
            }
        }
        return (filled, .full)
    }

    /// Appends records for all of `count` bytes, which must be more than 0; behind a KeyUpdate when one is due.
    @inline(__always)
    func seal(_ plain: UnsafePointer<UInt8>, _ count: Int, updatingKey: Bool) -> Bool {
        ErrorQueue.clear()
        // TLS 1.2 has no KeyUpdate; its limit is the same 2^24.5 records and is left to the peers' patience.
        if updatingKey, hasKeyUpdate { _ = unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) }
        var done = 0
        while done < count {
            let size = Int32(truncatingIfNeeded: min(count - done, 1 << 30))
            let taken = unsafe SSL_write(ssl, plain + done, size)
            guard taken > 0 else { return false }
            done += Int(taken)
        }
        return true
    }

    var hasKeyUpdate: Bool { unsafe SSL_version(ssl) >= TLS1_3_VERSION }

    /// Sends a KeyUpdate now.
    func updateKey(requestingPeer: Bool) -> Bool {
        ErrorQueue.clear()
        let kind = requestingPeer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED
        return unsafe SSL_key_update(ssl, kind) == 1 && SSL_do_handshake(ssl) == 1
    }

    /// Sends close_notify.
    func close() -> Bool {
        ErrorQueue.clear()
        return unsafe SSL_shutdown(ssl) >= 0
    }
}
