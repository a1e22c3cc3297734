import COpenSSL

// What libssl calls during a handshake, on the thread that drives the session.

/// Finds the session that owns `ssl`.
private func session(of ssl: OpaquePointer?) -> TLSSession? {
    // The session puts itself there, and frees `ssl` before it goes.
    guard let owner = unsafe SSL_get_ex_data(ssl, TLSSession.ownerIndex) else { return nil }
    return unsafe Unmanaged<TLSSession>.fromOpaque(owner).takeUnretainedValue()
}

/// `SSL_verify_cb`: called with 1 for each certificate that passed, root first, and with 0 for a fault. The answer 0 ends
/// the handshake with the alert that belongs to the error in the store.
func judgePeerCertificate(_ passed: Int32, _ store: OpaquePointer?) -> Int32 {
    guard let store = unsafe store, let session = unsafe session(verifying: store) else { return 0 }
    guard let certificate = unsafe X509_STORE_CTX_get_current_cert(store) else {
        let code = unsafe X509_STORE_CTX_get_error(store)
        session.refuse(.certificateRejected(certificate: "without a name", reason: verifyText(code)))
        return 0
    }
    if passed != 1 {
        unsafe session.refuse(chainFailure(store, certificate))
        return 0
    }
    guard unsafe X509_STORE_CTX_get_error_depth(store) == 0 else { return 1 }
    return unsafe accept(certificate, session, store)
}

private func accept(_ leaf: OpaquePointer, _ session: TLSSession, _ store: OpaquePointer) -> Int32 {
    if unsafe session.accept(uris: CertificateReader.uris(leaf)) { return 1 }
    // The alert for this one is bad_certificate; ours to choose has none of its own.
    unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH)
    return 0
}

/// The judgement on the leaf alone, of a chain that is known to be good.
func judgeLeaf(_ store: OpaquePointer) -> Int32 {
    guard let session = unsafe session(verifying: store), let leaf = unsafe X509_STORE_CTX_get0_cert(store) else {
        return 0
    }
    return unsafe accept(leaf, session, store)
}

private func session(verifying store: OpaquePointer) -> TLSSession? {
    guard let ssl = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()) else { return nil }
    return unsafe session(of: OpaquePointer(ssl))
}

/// What libcrypto's verdict on a chain means here.
private func chainFailure(_ store: OpaquePointer, _ certificate: OpaquePointer) -> HandshakeFailure {
    let label = unsafe CertificateReader.label(certificate)
    let code = unsafe X509_STORE_CTX_get_error(store)
    return switch code {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        unsafe .expired(certificate: label, notAfter: CertificateReader.notAfter(certificate))
    case X509_V_ERR_CERT_NOT_YET_VALID:
        unsafe .notYetValid(certificate: label, notBefore: CertificateReader.notBefore(certificate))
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        unsafe unknownIssuer(store, certificate)
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        unsafe .badCertificateSignature(issuer: CertificateReader.issuer(certificate))
    default: .certificateRejected(certificate: label, reason: verifyText(code))
    }
}

/// Roots are often renewed under the same name, so a name that the bundle does hold needs another message.
private func unknownIssuer(_ store: OpaquePointer, _ certificate: OpaquePointer) -> HandshakeFailure {
    let issuer = unsafe CertificateReader.issuer(certificate)
    guard let namesakes = unsafe X509_STORE_CTX_get1_certs(store, X509_get_issuer_name(certificate)) else {
        return .unknownIssuer(issuer)
    }
    defer { unsafe copenssl_free_certificates(namesakes) }
    return unsafe OPENSSL_sk_num(namesakes) > 0 ? .badCertificateSignature(issuer: issuer) : .unknownIssuer(issuer)
}

private func verifyText(_ code: Int32) -> String {
    guard let text = unsafe X509_verify_cert_error_string(Int(code)) else { return "error \(code)" }
    return unsafe String(cString: text)
}

/// `SSL_client_hello_cb_fn`: refuses a client without ALPN, for which `selectALPN` is never called.
func requireALPN(
    _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?, _: UnsafeMutableRawPointer?
) -> Int32 {
    var body: UnsafePointer<UInt8>?
    var size = 0
    let kind = UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation)
    if unsafe SSL_client_hello_get0_ext(ssl, kind, &body, &size) == 1 { return SSL_CLIENT_HELLO_SUCCESS }
    unsafe session(of: ssl)?.refuse(.noCommonALPN(offered: []))
    unsafe alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
    return SSL_CLIENT_HELLO_ERROR
}

/// `SSL_CTX_alpn_select_cb_func`. Shape of the offer: length byte and name, repeated; libssl has checked it.
func selectALPN(
    _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ length: UnsafeMutablePointer<UInt8>?,
    _ offer: UnsafePointer<UInt8>?, _ count: UInt32, _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let chosen = unsafe chosen, let length = unsafe length, let offer = unsafe offer else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    var names: [String] = []
    var index = 0
    while index < Int(count) {
        let size = unsafe Int(offer[index])
        guard index + 1 + size <= Int(count) else { break }
        let name = unsafe UnsafeBufferPointer(start: offer + index + 1, count: size)
        if unsafe name.elementsEqual("h2".utf8) {
            unsafe chosen.pointee = unsafe offer + index + 1
            unsafe length.pointee = UInt8(size)
            return SSL_TLSEXT_ERR_OK
        }
        if names.count < 8 { unsafe names.append(String(decoding: name, as: UTF8.self)) }
        index += 1 + size
    }
    unsafe session(of: ssl)?.refuse(.noCommonALPN(offered: names))
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// `SSL_CTX_keylog_cb_func`: the way by which libssl gives its secrets away, to the session alone.
func noteTrafficSecret(_ ssl: OpaquePointer?, _ line: UnsafePointer<CChar>?) {
    guard let line = unsafe line else { return }
    unsafe session(of: ssl)?.noteSecret(line)
}
