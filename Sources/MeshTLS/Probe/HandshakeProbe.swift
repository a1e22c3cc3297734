import COpenSSL

/// A client's handshake that takes whatever comes: to look at what a server presents, never to talk to it in earnest.
///
/// No chain is verified and no name or identity compared. TLS 1.2 and 1.3, any cipher and key that libssl still has.
/// Isolation: one thread. Bytes are copied; not for a data path.
@safe package final class HandshakeProbe {
    /// PEM texts of what a server that asks is shown. The key is secret.
    package struct ClientCertificate: Sendable, CustomReflectable {
        package let chain: [UInt8]
        package let key: [UInt8]
        package init(chain: [UInt8], key: [UInt8]) {
            self.chain = chain
            self.key = key
        }
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    package enum Step: Equatable, Sendable { case wantsInput, established, failed(HandshakeFailure) }

    /// What came after the handshake.
    package enum Answer: Equatable, Sendable { case data, wantsInput, closed, failed(HandshakeFailure) }

    /// Most bytes of certificates that a server may send. Default of libssl is 100 KiB.
    package static let chainLimit = 256 << 10

    /// What the server sent, each in DER, the leaf first; known as soon as it came, also when the handshake fails later.
    package private(set) var chain: [[UInt8]] = []
    /// Whether the server asked for our certificate.
    package fileprivate(set) var wasAsked = false

    private let context: OpaquePointer
    private let ssl: OpaquePointer
    /// Owned by `ssl`.
    private let input: OpaquePointer
    private let output: OpaquePointer
    private var sawFirstBytes = false

    /// - Parameters:
    ///   - serverName: sent as SNI; `nil` sends none.
    ///   - protocols: offered by ALPN, in this order; none sends no ALPN.
    package init(
        serverName: String?, protocols: [String], certificate: ClientCertificate?
    ) throws(TLSError) {
        ErrorQueue.clear()
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw .library(ErrorQueue.takeText()) }
        guard let ssl = unsafe Self.session(context, serverName, protocols) else {
            unsafe SSL_CTX_free(context)
            throw .library(ErrorQueue.takeText())
        }
        guard let input = unsafe BIO_new(BIO_s_mem()), let output = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(ssl)
            unsafe SSL_CTX_free(context)
            throw .library(ErrorQueue.takeText())
        }
        unsafe SSL_set_bio(ssl, input, output)
        unsafe self.context = context
        unsafe self.ssl = ssl
        unsafe self.input = input
        unsafe self.output = output
        // The session and its context die with this object, so that callbacks always find it.
        let owner = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_set_ex_data(ssl, TLSSession.ownerIndex, owner)
        unsafe SSL_set_cert_cb(ssl, noteRequest, owner)
        unsafe SSL_set_connect_state(ssl)
        if let certificate { try use(certificate) }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe SSL_CTX_free(context)
    }

    private static func session(
        _ context: OpaquePointer, _ serverName: String?, _ protocols: [String]
    ) -> OpaquePointer? {
        // Level 0 lets weak keys and digests through: they are what one may be looking for.
        unsafe SSL_CTX_set_security_level(context, 0)
        unsafe SSL_CTX_set_cert_verify_callback(context, keepChain, nil)
        _ = unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, chainLimit, nil)
        guard unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil) == 1,
            let ssl = unsafe SSL_new(context)
        else { return nil }
        var offer: [UInt8] = []
        for name in protocols { offer += [UInt8(name.utf8.count)] + Array(name.utf8) }
        // This function alone returns 0 when it worked.
        var isSet = unsafe offer.isEmpty || SSL_set_alpn_protos(ssl, offer, UInt32(offer.count)) == 0
        if let serverName {
            isSet =
                unsafe serverName.withCString { name in
                    let name = unsafe UnsafeMutableRawPointer(mutating: name)
                    return unsafe SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), name) == 1
                } && isSet
        }
        if isSet { return unsafe ssl }
        unsafe SSL_free(ssl)
        return nil
    }

    private func use(_ certificate: ClientCertificate) throws(TLSError) {
        let (chain, spoiled) = PEM.certificates(certificate.chain)
        guard let leaf = chain.first else { throw .certificateChain(spoiled.first ?? "it holds no certificate") }
        let (key, reason) = PEM.privateKey(certificate.key)
        guard let key else { throw .privateKey(reason) }
        guard unsafe SSL_use_certificate(ssl, leaf.raw) == 1 else { throw .certificateChain(ErrorQueue.takeText()) }
        guard unsafe SSL_use_PrivateKey(ssl, key.raw) == 1 else {
            ErrorQueue.clear()
            throw .keyMismatch(leaf: leaf.facts.uris.first ?? leaf.facts.subject)
        }
        for intermediate in chain.dropFirst() {
            // Argument 1 makes libssl take a reference of its own (SSL_add1_chain_cert).
            _ = unsafe SSL_ctrl(ssl, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(intermediate.raw))
        }
    }

    // MARK: Steps

    /// Goes on with the handshake; a first call with no input begins it.
    package func handshake(_ bytes: [UInt8]) -> Step {
        if let foreign = foreignPeer(bytes) { return .failed(foreign) }
        feed(bytes)
        ErrorQueue.clear()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 { return .established }
        if unsafe SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .wantsInput }
        return .failed(ErrorQueue.takeFailure())
    }

    /// Reads what the server says after the handshake: data, or an alert about our certificate.
    package func receive(_ bytes: [UInt8]) -> Answer {
        feed(bytes)
        ErrorQueue.clear()
        var scratch = [UInt8](repeating: 0, count: 4096)
        let result = unsafe SSL_read(ssl, &scratch, Int32(scratch.count))
        if result > 0 { return .data }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsInput
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: return .failed(ErrorQueue.takeFailure())
        }
    }

    /// Puts data in the output. False when the session cannot.
    package func send(_ bytes: [UInt8]) -> Bool {
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        return unsafe SSL_write(ssl, bytes, Int32(bytes.count)) == bytes.count
    }

    /// Takes what is to be sent.
    package func takeOutput() -> [UInt8] {
        let count = unsafe BIO_ctrl_pending(output)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = unsafe count == 0 ? 0 : max(0, Int(BIO_read(output, buffer.baseAddress, Int32(count))))
        }
    }

    private func feed(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        // A memory BIO takes all there is, or there is no memory left, which the handshake then meets.
        _ = unsafe BIO_write(input, bytes, Int32(bytes.count))
    }

    private func foreignPeer(_ bytes: [UInt8]) -> HandshakeFailure? {
        guard !sawFirstBytes, !bytes.isEmpty else { return nil }
        sawFirstBytes = true
        return ForeignProtocol.isTLS(bytes.span) ? nil : .tlsToPlaintextPort(ForeignProtocol.describe(bytes.span))
    }

    fileprivate func keep(_ store: OpaquePointer) {
        guard let sent = unsafe X509_STORE_CTX_get0_untrusted(store) else { return }
        for index in 0..<(unsafe OPENSSL_sk_num(sent)) {
            guard let item = unsafe OPENSSL_sk_value(sent, index) else { continue }
            let der = unsafe Certificate.encoded(OpaquePointer(item))
            if !der.isEmpty { chain.append(der) }
        }
    }

    // MARK: Facts, known once the handshake has come so far

    /// Such as "TLSv1.3".
    package var protocolVersion: String? {
        unsafe SSL_get_version(ssl).map { unsafe String(cString: $0) }
    }

    /// Such as "TLS_AES_256_GCM_SHA384".
    package var cipherSuite: String? {
        guard let cipher = unsafe SSL_get_current_cipher(ssl), let name = unsafe SSL_CIPHER_standard_name(cipher) else {
            return nil
        }
        return unsafe String(cString: name)
    }

    /// Chosen by the server through ALPN.
    package var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        guard count > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }
}

/// `SSL_CTX_set_cert_verify_callback`: stands in for all verification, and accepts.
private func keepChain(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard let store = unsafe store,
        let ssl = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let owner = unsafe SSL_get_ex_data(OpaquePointer(ssl), TLSSession.ownerIndex)
    else { return 0 }
    unsafe Unmanaged<HandshakeProbe>.fromOpaque(owner).takeUnretainedValue().keep(store)
    unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
    return 1
}

/// `cert_cb`: called when the server has asked for a certificate; goes on with the one that is set, or none.
private func noteRequest(_: OpaquePointer?, _ owner: UnsafeMutableRawPointer?) -> Int32 {
    guard let owner = unsafe owner else { return 1 }
    unsafe Unmanaged<HandshakeProbe>.fromOpaque(owner).takeUnretainedValue().wasAsked = true
    return 1
}
