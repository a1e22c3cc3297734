/// The name of a TLS alert. Source: RFC 8446 section 6, IANA "TLS Alerts".
func alertName(_ code: Int32) -> String {
    switch code {
    case 0: "close_notify"
    case 10: "unexpected_message"
    case 20: "bad_record_mac"
    case 21: "decryption_failed"
    case 22: "record_overflow"
    case 40: "handshake_failure"
    case 42: "bad_certificate"
    case 43: "unsupported_certificate"
    case 44: "certificate_revoked"
    case 45: "certificate_expired"
    case 46: "certificate_unknown"
    case 47: "illegal_parameter"
    case 48: "unknown_ca"
    case 49: "access_denied"
    case 50: "decode_error"
    case 51: "decrypt_error"
    case 70: "protocol_version"
    case 71: "insufficient_security"
    case 80: "internal_error"
    case 86: "inappropriate_fallback"
    case 90: "user_canceled"
    case 100: "no_renegotiation"
    case 109: "missing_extension"
    case 110: "unsupported_extension"
    case 112: "unrecognized_name"
    case 113: "bad_certificate_status_response"
    case 115: "unknown_psk_identity"
    case 116: "certificate_required"
    case 120: "no_application_protocol"
    default: "alert \(code)"
    }
}

/// What a person should look at when a peer sends this alert about us; `nil` when the name says it all.
func alertAdvice(_ name: String) -> String? {
    switch name {
    case "unknown_ca": "our certificate does not chain to its roots; compare the trust bundles"
    case "certificate_expired": "our certificate has expired, or its clock is ahead"
    case "certificate_revoked": "our certificate is on its revocation list"
    case "certificate_required": "it wants a client certificate and got none"
    case "bad_certificate", "certificate_unknown", "unsupported_certificate", "access_denied":
        "it does not accept our identity or our certificate"
    case "no_application_protocol": "it does not speak HTTP/2 there"
    case "protocol_version": "it does not speak TLS 1.3"
    case "handshake_failure", "insufficient_security": "it shares no cipher suite, group or signature with us"
    default: nil
    }
}
