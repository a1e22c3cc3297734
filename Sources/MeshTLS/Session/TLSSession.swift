import COpenSSL
package import MeshCore

/// One TLS connection without a socket: ciphertext in and out of buffers that the owner lends.
///
/// Isolation: one reactor thread; not Sendable. Cost: no allocation of ours once established.
///
/// **Input.** `handshake` and `open` take a window of ciphertext. It stays set, and its memory must stay valid, until a
/// result of `.wantsInput`, `.closed` or `.failed` (all bytes were used or dropped) or until `endInput()` (what is left
/// is copied and read first next time). After `.done` or `.data` the window may hold more: call `open(nil, 0, …)` until it
/// says otherwise. Handing in new bytes while a window is set is a bug and ends the session.
///
/// **Output.** Whatever is to be sent is appended to `output`, which must have room before the call: `handshakeRoom` of
/// the credential for `handshake`, `sealedSize(of:)` for `seal`, `controlRoom` for `open`, `close` and `updateKeys`.
/// `seal` checks first and refuses; in the other calls missing room ends the session with `.outputFull`.
@safe package final class TLSSession {
    /// Bytes before and after a plaintext buffer that a caller should leave writable, for a record layer that seals in
    /// place: record header; inner type and tag.
    package static let headroom = 5
    package static let tailroom = 17
    /// Room that `open`, `close` and `updateKeys` may need.
    package static let controlRoom = 256

    /// Where `SSL` keeps its session, for callbacks. Index 0 is libssl's "app data".
    static let ownerIndex: Int32 = 0

    private enum Phase { case handshaking, established, readClosed, failed }

    package let role: TLSRole
    package let credential: TLSCredential
    /// `nil` until the peer's certificate was accepted.
    package private(set) var peerIdentity: SPIFFEID?

    private let expecting: PeerExpectation
    private let ssl: OpaquePointer
    private let link: UnsafeMutablePointer<SessionLink>
    private let records: LibSSLRecords
    private var phase = Phase.handshaking
    private var failure: HandshakeFailure?
    private var refusal: HandshakeFailure?
    private var sawFirstBytes = false
    private var sentClose = false
    private var isDrained = true
    private var recordsLeft: Int

    /// - Throws: `.library` when out of memory.
    package init(credential: TLSCredential, role: TLSRole, expecting: PeerExpectation) throws(TLSError) {
        ErrorQueue.clear()
        guard let ssl = unsafe SSL_new((role == .server ? credential.server : credential.client).raw) else {
            throw .library(ErrorQueue.takeText())
        }
        let link = UnsafeMutablePointer<SessionLink>.allocate(capacity: 1)
        unsafe link.initialize(to: SessionLink())
        guard let bio = unsafe SessionBIO.make(link) else {
            unsafe SSL_free(ssl)
            unsafe link.deallocate()
            throw .library(ErrorQueue.takeText())
        }
        // One reference of the BIO serves both directions.
        unsafe SSL_set_bio(ssl, bio, bio)
        self.role = role
        self.credential = credential
        self.expecting = expecting
        unsafe self.ssl = ssl
        unsafe self.link = link
        unsafe records = LibSSLRecords(ssl: ssl)
        recordsLeft = credential.recordsPerKey
        unsafe SSL_set_ex_data(ssl, Self.ownerIndex, Unmanaged.passUnretained(self).toOpaque())
        switch role {
        case .client: unsafe SSL_set_connect_state(ssl)
        case .server: unsafe SSL_set_accept_state(ssl)
        }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe link.pointee.dropInput()
        unsafe link.deinitialize(count: 1)
        unsafe link.deallocate()
    }

    package var output: CipherQueue {
        get { unsafe link.pointee.output }
        set { unsafe link.pointee.output = newValue }
    }

    /// Most ciphertext that `seal` makes of `plaintextBytes`.
    @inlinable package static func sealedSize(of plaintextBytes: Int) -> Int {
        plaintextBytes + (plaintextBytes + 16_383) / 16_384 * 29 + 64
    }

    package var isEstablished: Bool { phase == .established || phase == .readClosed }

    /// Whether `open` may give more without new input.
    package var hasBufferedInput: Bool { !isDrained }

    // MARK: - Handshake

    /// Goes on with the handshake. A client begins with no input.
    package func handshake(_ input: UnsafeMutablePointer<UInt8>?, _ count: Int) -> HandshakeStep {
        guard unsafe link.pointee.offer(input, count) else { return .failed(misuse("input while a window is set")) }
        switch phase {
        case .handshaking: break
        case .failed:
            unsafe link.pointee.dropInput()
            return .failed(failure ?? .misuse("failed without a reason"))
        case .established, .readClosed:
            if count > 0 { isDrained = false }
            return .done
        }
        if !sawFirstBytes, let foreign = foreignPeer() { return .failed(fail(foreign)) }
        ErrorQueue.clear()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 { return finishHandshake() }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ where unsafe !link.pointee.overflowed: return .wantsInput
        default: return .failed(fail(libraryFailure()))
        }
    }

    private func finishHandshake() -> HandshakeStep {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        let chosen = unsafe UnsafeBufferPointer(start: name, count: Int(count))
        guard unsafe chosen.elementsEqual("h2".utf8) else {
            let offered = count == 0 ? [] : [unsafe String(decoding: chosen, as: UTF8.self)]
            return .failed(fail(.noCommonALPN(offered: offered)))
        }
        guard peerIdentity != nil else { return .failed(fail(.notASPIFFEID([]))) }
        phase = .established
        isDrained = unsafe !link.pointee.hasInput
        return .done
    }

    /// Looks at the first bytes ever received. libssl would only say "wrong version number".
    private func foreignPeer() -> HandshakeFailure? {
        let first = unsafe link.pointee.peek(ForeignProtocol.limit)
        guard !first.isEmpty else { return nil }
        sawFirstBytes = true
        let bytes = unsafe first.span
        guard !ForeignProtocol.isTLS(bytes) else { return nil }
        let what = ForeignProtocol.describe(bytes)
        return role == .server ? .plaintextToTLSPort(what) : .tlsToPlaintextPort(what)
    }

    /// Notes why a callback stops the handshake; the first reason counts.
    func refuse(_ reason: HandshakeFailure) {
        if refusal == nil { refusal = reason }
    }

    /// Judges the leaf, whose chain has been verified.
    func accept(uris: [String]) -> Bool {
        switch expecting.judge(uris: uris) {
        case .success(let identity):
            peerIdentity = identity
            return true
        case .failure(let reason):
            refuse(reason)
            return false
        }
    }

    // MARK: - Application data

    /// Decrypts as much as fits. A partial record at the end of the window is kept for the next call.
    package func open(
        _ input: UnsafeMutablePointer<UInt8>?, _ count: Int, into plain: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> OpenResult {
        guard unsafe link.pointee.offer(input, count) else { return .failed(misuse("input while a window is set")) }
        guard phase == .established else { return openWhenNotEstablished() }
        ErrorQueue.clear()
        let (filled, stop) = unsafe records.open(into: plain, capacity: capacity)
        switch stop {
        case .full: isDrained = false
        case .wantsInput where unsafe !link.pointee.overflowed: isDrained = true
        case .closed:
            phase = .readClosed
            unsafe link.pointee.dropInput()
            isDrained = filled == 0
        case .failed, .wantsInput:
            fail(libraryFailure())
            isDrained = filled == 0
        }
        if filled > 0 { return .data(filled) }
        return phase == .established ? .wantsInput : openWhenNotEstablished()
    }

    private func openWhenNotEstablished() -> OpenResult {
        isDrained = true
        unsafe link.pointee.dropInput()
        switch phase {
        case .readClosed: return .closed
        case .failed: return .failed(failure ?? .misuse("failed without a reason"))
        case .handshaking, .established: return .failed(misuse("open before the handshake is done"))
        }
    }

    /// Lets the caller have its input buffer back. Bytes not yet used are copied and come first in the next call.
    package func endInput() { unsafe link.pointee.endInput() }

    /// Encrypts all of `count` bytes into `output`, or nothing.
    package func seal(_ plain: UnsafePointer<UInt8>, _ count: Int) -> SealResult {
        guard isEstablished, !sentClose else {
            return .failed(failure ?? misuse(sentClose ? "seal after close" : "seal before the handshake is done"))
        }
        guard count > 0 else { return .sealed }
        guard unsafe link.pointee.output.room >= Self.sealedSize(of: count) else { return .outputFull }
        ErrorQueue.clear()
        recordsLeft -= (count + LibSSLRecords.plaintextLimit - 1) / LibSSLRecords.plaintextLimit
        if recordsLeft <= 0 { rekey() }
        guard unsafe records.seal(plain, count) else { return .failed(fail(libraryFailure())) }
        return .sealed
    }

    /// The KeyUpdate goes out with the record that follows.
    private func rekey() {
        recordsLeft = credential.recordsPerKey
        // TLS 1.2 has no KeyUpdate; its limit is the same 2^24.5 records and is left to the peers' patience.
        guard unsafe SSL_version(ssl) >= TLS1_3_VERSION else { return }
        _ = unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
    }

    /// Sends a KeyUpdate now, and asks the peer for one when `requestingPeer`. False when the session cannot.
    package func updateKeys(requestingPeer: Bool) -> Bool {
        guard isEstablished, !sentClose, unsafe SSL_version(ssl) >= TLS1_3_VERSION else { return false }
        ErrorQueue.clear()
        let kind = requestingPeer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED
        guard unsafe SSL_key_update(ssl, kind) == 1, unsafe SSL_do_handshake(ssl) == 1 else {
            fail(libraryFailure())
            return false
        }
        recordsLeft = credential.recordsPerKey
        return true
    }

    /// Puts close_notify in `output`. Does nothing in a handshake, after a failure, or a second time.
    package func close() {
        guard isEstablished, !sentClose else { return }
        sentClose = true
        ErrorQueue.clear()
        if unsafe SSL_shutdown(ssl) < 0 { fail(libraryFailure()) }
    }

    // MARK: - Facts

    /// Such as "TLS_AES_256_GCM_SHA384"; `nil` before the handshake is done.
    package var cipherSuite: String? {
        guard isEstablished, let name = unsafe SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)) else { return nil }
        return unsafe String(cString: name)
    }

    /// Such as "TLSv1.3"; `nil` before the handshake is done.
    package var protocolVersion: String? {
        guard isEstablished, let name = unsafe SSL_get_version(ssl) else { return nil }
        return unsafe String(cString: name)
    }

    /// What the peer's leaf says. Cost: parses it anew; not for every request.
    package var peerCertificate: CertificateFacts? {
        guard let certificate = unsafe SSL_get0_peer_certificate(ssl) else { return nil }
        return unsafe CertificateFacts(certificate)
    }

    // MARK: - Failure

    private func libraryFailure() -> HandshakeFailure {
        if unsafe link.pointee.overflowed {
            ErrorQueue.clear()
            return .outputFull
        }
        if let refusal {
            ErrorQueue.clear()
            return refusal
        }
        return ErrorQueue.takeFailure()
    }

    private func misuse(_ what: String) -> HandshakeFailure { fail(.misuse(what)) }

    /// Ends the session; the first reason counts.
    @discardableResult private func fail(_ reason: HandshakeFailure) -> HandshakeFailure {
        phase = .failed
        unsafe link.pointee.dropInput()
        let first = failure ?? reason
        failure = first
        return first
    }
}
