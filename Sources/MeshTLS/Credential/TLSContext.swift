import COpenSSL

/// One `SSL_CTX` that we own: everything the sessions of one role share. Never changed once made.
@safe final class TLSContext {
    /// Valid for the life of this object.
    let raw: OpaquePointer
    let chains = VerifiedChains()

    /// ALPN list with the one protocol we speak. Shape: length byte, then the name (RFC 7301 section 3.1).
    private static let alpn: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]
    private static let sessionScope = Array("meshctl".utf8)

    init(
        role: TLSRole, leaf: Certificate, intermediates: [Certificate], key: PrivateKey, roots: OpaquePointer,
        options: TLSOptions
    ) throws(TLSError) {
        ErrorQueue.clear()
        guard let made = unsafe SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw .library(ErrorQueue.takeText())
        }
        unsafe raw = made
        try setVersions(options)
        try setCredential(leaf: leaf, intermediates: intermediates, key: key)
        unsafe SSL_CTX_set1_cert_store(raw, roots)
        unsafe SSL_CTX_set_cert_verify_callback(raw, verifyChain, Unmanaged.passUnretained(chains).toOpaque())
        setMemory()
        if options.records != .libssl { unsafe SSL_CTX_set_keylog_callback(raw, noteTrafficSecret) }
        switch role {
        case .client: try becomeClient()
        case .server: try becomeServer()
        }
    }

    deinit { unsafe SSL_CTX_free(raw) }

    private func setVersions(_ options: TLSOptions) throws(TLSError) {
        guard !options.cipherSuites.isEmpty else { throw .options("no cipher suite is enabled") }
        guard options.recordsPerKey > 0 else {
            throw .options("recordsPerKey is \(options.recordsPerKey); it must be at least 1")
        }
        let lowest = options.allowsTLS12 ? TLS1_2_VERSION : TLS1_3_VERSION
        let suites = options.cipherSuites.map(\.rawValue).joined(separator: ":")
        // Only consulted for TLS 1.2.
        let older =
            "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
            + "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
        guard unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(lowest), nil) == 1,
            unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_3_VERSION), nil) == 1,
            unsafe SSL_CTX_set_ciphersuites(raw, suites) == 1, unsafe SSL_CTX_set_cipher_list(raw, older) == 1
        else { throw .options("\(suites): \(ErrorQueue.takeText())") }
        guard let groups = options.groups else { return }
        let accepted = unsafe groups.withCString { text in
            unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: text))
        }
        guard accepted == 1 else { throw .options("groups \"\(groups)\": \(ErrorQueue.takeText())") }
    }

    private func setCredential(leaf: Certificate, intermediates: [Certificate], key: PrivateKey) throws(TLSError) {
        guard unsafe SSL_CTX_use_certificate(raw, leaf.raw) == 1 else { throw .certificateChain(ErrorQueue.takeText()) }
        guard unsafe SSL_CTX_use_PrivateKey(raw, key.raw) == 1 else { throw .privateKey(ErrorQueue.takeText()) }
        for certificate in intermediates {
            // Argument 1 makes libssl take a reference of its own (SSL_CTX_add1_chain_cert).
            let added = unsafe SSL_CTX_ctrl(raw, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(certificate.raw))
            guard added == 1 else { throw .certificateChain(ErrorQueue.takeText()) }
        }
    }

    /// Nothing is remembered between sessions, and an idle session holds no record buffers.
    private func setMemory() {
        // NO_AUTO_CHAIN: the peer gets the chain we were given, not one guessed from our roots at each handshake.
        let mode = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN
        _ = unsafe SSL_CTX_ctrl(raw, SSL_CTRL_MODE, Int(mode), nil)
        _ = unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        _ = unsafe SSL_CTX_set_options(raw, COPENSSL_OP_NO_TICKET | COPENSSL_OP_NO_RENEGOTIATION)
    }

    private func becomeClient() throws(TLSError) {
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, judgePeerCertificate)
        // This function alone returns 0 when it worked.
        guard unsafe SSL_CTX_set_alpn_protos(raw, Self.alpn, UInt32(Self.alpn.count)) == 0 else {
            throw .library(ErrorQueue.takeText())
        }
    }

    private func becomeServer() throws(TLSError) {
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judgePeerCertificate)
        unsafe SSL_CTX_set_client_hello_cb(raw, requireALPN, nil)
        unsafe SSL_CTX_set_alpn_select_cb(raw, selectALPN, nil)
        let scope = UInt32(Self.sessionScope.count)
        guard unsafe SSL_CTX_set_num_tickets(raw, 0) == 1,
            unsafe SSL_CTX_set_session_id_context(raw, Self.sessionScope, scope) == 1
        else { throw .library(ErrorQueue.takeText()) }
    }
}
