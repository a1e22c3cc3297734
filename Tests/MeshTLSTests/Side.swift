import MeshTLS

/// One end of a connection in memory: a session, the buffer it writes to, and what became of it.
final class Side {
    let session: TLSSession
    private var buffer: UnsafeMutablePointer<UInt8>?
    private(set) var received: [UInt8] = []
    /// Ciphertext handed in so far.
    private(set) var cipherBytes = 0
    private(set) var step = HandshakeStep.wantsInput
    private(set) var ending: OpenResult?

    init(
        _ role: TLSRole, _ credential: TLSCredential, expecting: PeerExpectation, room: Int = 1 << 20
    ) throws {
        session = try TLSSession(credential: credential, role: role, expecting: expecting)
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
        self.buffer = buffer
        session.output = CipherQueue(buffer, capacity: room)
    }

    deinit { buffer?.deallocate() }

    /// Takes the output buffer back, as a reactor does of an idle session.
    func dropBuffer() {
        session.output = CipherQueue()
        buffer?.deallocate()
        buffer = nil
    }

    var failure: HandshakeFailure? {
        if case .failed(let reason) = step { return reason }
        if case .failed(let reason)? = ending { return reason }
        return nil
    }

    /// Takes what waits to be sent.
    func takeOutput() -> [UInt8] {
        let queue = session.output
        guard let base = queue.base else { return [] }
        let bytes = Array(UnsafeBufferPointer(start: base + queue.start, count: queue.count))
        session.output.consume(bytes.count)
        return bytes
    }

    /// A client's first move.
    func begin() { step = session.handshake(nil, 0) }

    /// Gives the session bytes, as a reactor would: handshake first, then everything that opens.
    func receive(_ bytes: [UInt8], capacity: Int = 1 << 16) {
        guard !bytes.isEmpty, ending == nil else { return }
        cipherBytes += bytes.count
        // The window is a heap block of its own size, so that a read past it is found by a sanitizer.
        let window = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        defer { window.deallocate() }
        window.update(from: bytes, count: bytes.count)
        var fresh = bytes.count
        if step == .wantsInput {
            step = session.handshake(window, fresh)
            fresh = 0
        }
        guard step == .done else { return }
        let plain = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        defer { plain.deallocate() }
        repeat {
            let result = session.open(fresh > 0 ? window : nil, fresh, into: plain, capacity: capacity)
            fresh = 0
            switch result {
            case .data(let count): received += UnsafeBufferPointer(start: plain, count: count)
            case .wantsInput: return
            case .closed, .failed: ending = result
            }
        } while session.hasBufferedInput
    }

    func seal(_ bytes: [UInt8]) -> SealResult {
        let room = bytes.count + TLSSession.tailroom
        let block = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
        defer { block.deallocate() }
        block.initialize(repeating: 0xEE, count: room)
        block.update(from: bytes, count: bytes.count)
        defer {
            precondition(
                block[bytes.count] == 0xEE && Array(UnsafeBufferPointer(start: block, count: bytes.count)) == bytes)
        }
        return session.seal(block, bytes.count)
    }

    func takeReceived() -> [UInt8] {
        defer { received = [] }
        return received
    }
}

/// A client and a server joined in memory.
struct Pair {
    let client: Side
    let server: Side

    init(
        client: TLSCredential, server: TLSCredential, expecting: PeerExpectation? = nil,
        serverExpecting: PeerExpectation = Fixture.cluster
    ) throws {
        self.client = try Side(.client, client, expecting: expecting ?? .oneOf([server.identity]))
        self.server = try Side(.server, server, expecting: serverExpecting)
    }

    /// Carries bytes both ways, at most `chunk` at a time, until neither side has any.
    func settle(chunk: Int = .max) {
        if client.step == .wantsInput { client.begin() }
        while true {
            let (up, down) = (client.takeOutput(), server.takeOutput())
            if up.isEmpty && down.isEmpty { return }
            for part in up.split(every: chunk) { server.receive(part) }
            for part in down.split(every: chunk) { client.receive(part) }
        }
    }

    /// A pair whose handshake is done.
    static func established(options: TLSOptions = TLSOptions()) throws -> Pair {
        let pair = try Pair(
            client: Fixture.credential("cart", options: options), server: Fixture.credential("front", options: options))
        pair.settle()
        return pair
    }
}

extension Array {
    func split(every size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: Swift.min(size, Swift.max(count, 1))).map { start in
            Array(self[start..<(size > count - start ? count : start + size)])
        }
    }
}
