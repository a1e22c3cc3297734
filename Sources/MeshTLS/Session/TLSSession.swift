import COpenSSL
package import MeshCore

/// One TLS connection without a socket: ciphertext in and out of buffers that the owner lends.
///
/// Isolation: one thread at a time; not Sendable. Cost once established: no allocation per record; one for each window that
/// ends inside of a record.
///
/// **Input.** `handshake` and `open` take a window of ciphertext. It stays set, and its memory must stay valid, until a
/// result of `.wantsInput`, `.closed` or `.failed` (all bytes were used or dropped) or until `endInput()` (what is left
/// is copied and read first next time). After `.done` or `.data` the window may hold more: call `open(nil, 0, …)` until it
/// says otherwise. Handing in new bytes while a window is set is a bug and ends the session.
///
/// **Output.** Whatever is to be sent is appended to `output`, which must have room before the call: `handshakeRoom` of
/// the credential for `handshake`, `sealedSize(of:)` for `seal`, 256 bytes for `open`, `close` and `updateKeys`.
/// `seal` checks first and refuses; in the other calls missing room ends the session with `.outputFull`.
@safe package final class TLSSession {
    /// Bytes behind the plaintext given to `seal` that it may write to and restore: a record's type goes there.
    package static let tailroom = 1

    /// Where `SSL` keeps its session, for callbacks. Index 0 is libssl's "app data".
    static let ownerIndex: Int32 = 0

    private enum Records {
        case libssl(LibSSLRecords)
        case own(OwnRecords)
    }

    private struct KeptFacts {
        let suite: TLSOptions.CipherSuite
        let peerCertificate: [UInt8]
    }

    private enum Phase { case handshaking, established, readClosed, failed }

    package let role: TLSRole
    package let credential: TLSCredential
    /// `nil` until the peer's certificate was accepted.
    package private(set) var peerIdentity: SPIFFEID?

    private let expecting: PeerExpectation
    /// `nil` once records of our own have taken over: libssl's session has no more to do then, and is the larger part
    /// of what a connection costs.
    private var ssl: OpaquePointer?
    private let link: UnsafeMutablePointer<SessionLink>
    private var records: Records
    private var secrets = TrafficSecrets()
    /// What libssl's session knew, kept when it is freed.
    private var keptFacts: KeptFacts?
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
        records = unsafe .libssl(LibSSLRecords(ssl: ssl))
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
        adoptRecords()
        return .done
    }

    /// Goes on with records of our own, where the plan has an engine for what was negotiated; else libssl goes on.
    ///
    /// libssl has read nothing ahead of its own records, so our first one is at the front of the link.
    private func adoptRecords() {
        var secrets = TrafficSecrets()
        swap(&secrets, &self.secrets)
        guard let plan = credential.recordPlan, secrets.areComplete, let ssl = unsafe ssl,
            unsafe SSL_version(ssl) == TLS1_3_VERSION, unsafe SSL_has_pending(ssl) == 0,
            let suite = cipherSuite.flatMap(TLSOptions.CipherSuite.init(rawValue:)),
            let engine = plan.engine(for: suite), let own = secrets.records(suite, engine, role: role)
        else { return }
        keptFacts = unsafe KeptFacts(
            suite: suite, peerCertificate: Certificate.encoded(SSL_get0_peer_certificate(ssl)))
        records = .own(own)
        unsafe SSL_free(ssl)
        unsafe self.ssl = nil
    }

    /// Notes a line of libssl's key log.
    func noteSecret(_ line: UnsafePointer<CChar>) {
        if credential.recordPlan != nil { unsafe secrets.note(line) }
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
        let (filled, stop) = unsafe openRecords(into: plain, capacity)
        switch stop {
        case .full: isDrained = false
        case .wantsInput where unsafe !link.pointee.overflowed: isDrained = true
        case .closed:
            phase = .readClosed
            unsafe link.pointee.dropInput()
            isDrained = filled == 0
        case .failed, .wantsInput:
            fail(recordFailure())
            isDrained = filled == 0
        }
        if filled > 0 { return .data(filled) }
        return phase == .established ? .wantsInput : openWhenNotEstablished()
    }

    @inline(__always)
    private func openRecords(
        into plain: UnsafeMutablePointer<UInt8>, _ capacity: Int
    ) -> (filled: Int, stop: RecordStop) {
        switch records {
        case .libssl(let records): unsafe records.open(into: plain, capacity: capacity)
        case .own(let records): unsafe records.open(link, into: plain, capacity: capacity)
        }
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

    /// Encrypts all of `count` bytes into `output`, or nothing. `tailroom` bytes behind them must be writable.
    package func seal(_ plain: UnsafeMutablePointer<UInt8>, _ count: Int) -> SealResult {
        guard isEstablished, !sentClose else {
            return .failed(failure ?? misuse(sentClose ? "seal after close" : "seal before the handshake is done"))
        }
        guard count > 0 else { return .sealed }
        guard unsafe link.pointee.output.room >= Self.sealedSize(of: count) else { return .outputFull }
        recordsLeft -= (count + LibSSLRecords.plaintextLimit - 1) / LibSSLRecords.plaintextLimit
        let updatesKey = recordsLeft <= 0
        if updatesKey { recordsLeft = credential.recordsPerKey }
        let sealed =
            switch records {
            case .libssl(let records):
                unsafe records.seal(plain, count, updatingKey: updatesKey)
            case .own(let records):
                unsafe records.seal(plain, count, updatingKey: updatesKey, into: &link.pointee.output)
            }
        return sealed ? .sealed : .failed(fail(recordFailure()))
    }

    /// Sends a KeyUpdate now, and asks the peer for one when `requestingPeer`. False when the session cannot.
    package func updateKeys(requestingPeer: Bool) -> Bool {
        guard isEstablished, !sentClose else { return false }
        switch records {
        case .libssl(let records):
            guard records.hasKeyUpdate else { return false }
            if !records.updateKey(requestingPeer: requestingPeer) { fail(libraryFailure()) }
        case .own(let records):
            if unsafe !records.updateKey(requestingPeer: requestingPeer, &link.pointee.output) { fail(.outputFull) }
        }
        recordsLeft = credential.recordsPerKey
        return failure == nil
    }

    /// Puts close_notify in `output`. Does nothing in a handshake, after a failure, or a second time.
    package func close() {
        guard isEstablished, !sentClose else { return }
        sentClose = true
        switch records {
        case .libssl(let records):
            if !records.close() { fail(libraryFailure()) }
        case .own(let records):
            if unsafe !records.sendAlert(fatal: false, 0, &link.pointee.output) { fail(.outputFull) }
        }
    }

    // MARK: - Facts

    /// Such as "TLS_AES_256_GCM_SHA384"; `nil` before the handshake is done.
    package var cipherSuite: String? {
        if let keptFacts { return keptFacts.suite.rawValue }
        guard isEstablished, let name = unsafe SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)) else { return nil }
        return unsafe String(cString: name)
    }

    /// Such as "TLSv1.3"; `nil` before the handshake is done.
    package var protocolVersion: String? {
        if keptFacts != nil { return "TLSv1.3" }
        guard isEstablished, let name = unsafe SSL_get_version(ssl) else { return nil }
        return unsafe String(cString: name)
    }

    /// What the peer's leaf says. Cost: parses it anew; not for every request.
    package var peerCertificate: CertificateFacts? {
        if let keptFacts { return Certificate(der: keptFacts.peerCertificate)?.facts }
        guard let certificate = unsafe SSL_get0_peer_certificate(ssl) else { return nil }
        return unsafe CertificateFacts(certificate)
    }

    /// Whose code protects the data; `nil` before the handshake is done.
    package var recordLayer: RecordLayer? {
        guard isEstablished else { return nil }
        return switch records {
        case .libssl: .libssl
        case .own(let records): .own(records.engine)
        }
    }

    // MARK: - Failure

    /// Why the records in use cannot go on.
    private func recordFailure() -> HandshakeFailure {
        switch records {
        case .libssl: libraryFailure()
        case .own(let records): records.failure ?? .outputFull
        }
    }

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
