import COpenSSL

/// libssl's per-thread queue of errors. Every reader leaves it empty.
enum ErrorQueue {
    /// Cheap when there is nothing, which is always so unless another user of libcrypto left something behind.
    @inline(__always) static func clear() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The first error, which is the cause of the others, as libcrypto's reason text.
    static func takeText() -> String { text(of: take().first) }

    /// Why libssl gave up.
    static func takeFailure() -> HandshakeFailure {
        let (first, fromTLS) = take()
        guard fromTLS != 0 else { return .protocolError(text(of: first)) }
        let reason = reason(of: fromTLS)
        if reason >= SSL_AD_REASON_OFFSET { return .peerAlert(alertName(reason - SSL_AD_REASON_OFFSET)) }
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noClientCertificate
        case SSL_R_BAD_SIGNATURE: return .badSignature
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_BAD_RECORD_TYPE: return .badRecord
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW: return .unsupportedVersion
        default:
            let cause = first == fromTLS ? "" : ": \(text(of: first))"
            return .protocolError(text(of: fromTLS) + cause)
        }
    }

    /// Empties the queue. libcrypto notes its own reason before libssl does, so the first error explains, and the first
    /// of libssl tells what it means; each is 0 when there is none.
    private static func take() -> (first: UInt, fromTLS: UInt) {
        let first = ERR_peek_error()
        var fromTLS: UInt = 0
        while true {
            let code = ERR_get_error()
            if code == 0 { return (first, fromTLS) }
            if fromTLS == 0, library(of: code) == ERR_LIB_SSL { fromTLS = code }
        }
    }

    private static func text(of code: UInt) -> String {
        guard code != 0 else { return "no reason given" }
        guard let reason = unsafe ERR_reason_error_string(code) else { return "error \(code)" }
        return unsafe String(cString: reason)
    }

    /// Layout of a packed error: bits 23 to 30 the library, 0 to 22 the reason. Source: openssl/err.h.
    private static func library(of code: UInt) -> Int32 { Int32(code >> 23 & 0xFF) }
    private static func reason(of code: UInt) -> Int32 { Int32(code & 0x7F_FFFF) }
}
