@testable import MeshTLS

/// Makes records that no honest peer would, and plays them to the record layer of ours.
final class RecordForge {
    struct Broken: Error {}

    let records: OwnRecords
    private var sealing: TrafficKey
    private var opening: TrafficKey
    private let link: UnsafeMutablePointer<SessionLink>
    private let room = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 20)
    private(set) var received: [UInt8] = []
    private(set) var stop: RecordStop?

    static func secret(_ bytes: [UInt8]) throws -> SecretBytes {
        let made = SecretBytes { target in
            for (index, byte) in bytes.enumerated() { target[index] = byte }
            return bytes.count
        }
        guard let made else { throw Broken() }
        return made
    }

    /// - Parameter role: of the side under test.
    init(_ role: TLSRole, _ engine: AEADEngine, _ suite: TLSOptions.CipherSuite = .aes128GCM) throws {
        let (peer, own): ([UInt8], [UInt8])
        if suite.hash == .sha256 {
            (peer, own) =
                role == .client
                ? (RFC8448.serverSecret, RFC8448.clientSecret) : (RFC8448.clientSecret, RFC8448.serverSecret)
        } else {
            (peer, own) = ([UInt8](repeating: 1, count: 48), [UInt8](repeating: 2, count: 48))
        }
        // The other engine checks this one.
        let other = AEADEngine.allCases.first { $0 != engine && $0.serves(suite) } ?? engine
        guard
            let records = try OwnRecords(
                suite, engine, role: role, sealing: Self.secret(own), opening: Self.secret(peer)),
            let sealing = try TrafficKey(suite, .seal, other, secret: Self.secret(peer)),
            let opening = try TrafficKey(suite, .open, other, secret: Self.secret(own))
        else { throw Broken() }
        self.records = records
        self.sealing = sealing
        self.opening = opening
        link = .allocate(capacity: 1)
        link.initialize(to: SessionLink())
        link.pointee.output = CipherQueue(room, capacity: 1 << 20)
    }

    deinit {
        link.pointee.dropInput()
        link.deinitialize(count: 1)
        link.deallocate()
        room.deallocate()
    }

    /// A protected record with any content, type and padding.
    func record(_ content: [UInt8], type: UInt8, padding: Int = 0, outerType: UInt8 = 23) -> [UInt8] {
        raw(content + [type] + [UInt8](repeating: 0, count: padding), outerType: outerType)
    }

    /// A protected record of any inner bytes.
    func raw(_ inner: [UInt8], outerType: UInt8 = 23) -> [UInt8] {
        let body = inner.count + AEADKey.tagSize
        let header: [UInt8] = [outerType, 3, 3, UInt8(truncatingIfNeeded: body >> 8), UInt8(truncatingIfNeeded: body)]
        var sealed = inner + [UInt8](repeating: 0, count: AEADKey.tagSize)
        sealed.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            precondition(sealing.seal(base, inner.count, into: base, header: header))
        }
        return header + sealed
    }

    func data(_ content: [UInt8]) -> [UInt8] { record(content, type: 23) }

    /// A KeyUpdate of the peer's, after which its records are made by the next key.
    func keyUpdate(answer: Bool = false) throws -> [UInt8] {
        let made = record([24, 0, 0, 1, answer ? 1 : 0], type: 22)
        try changeKey()
        return made
    }

    func changeKey() throws {
        guard let next = sealing.next() else { throw Broken() }
        sealing = next
    }

    /// What the side under test says next: type and content of each record. Follows its KeyUpdates.
    func replies() throws -> [(type: UInt8, content: [UInt8])] {
        var replies: [(type: UInt8, content: [UInt8])] = []
        var output = outputBytes()[...]
        while !output.isEmpty {
            let size = Int(output[output.startIndex + 3]) << 8 | Int(output[output.startIndex + 4])
            var body = Array(output.dropFirst(5).prefix(size))
            let header = Array(output.prefix(5))
            output = output.dropFirst(5 + size)
            let good = body.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return false }
                return opening.open(base, size - AEADKey.tagSize, into: base, header: header)
            }
            guard good else { throw Broken() }
            var inner = body.dropLast(AEADKey.tagSize)
            while inner.last == 0 { inner.removeLast() }
            guard let type = inner.popLast() else { throw Broken() }
            replies.append((type, Array(inner)))
            if type == 22, inner.first == 24 {
                guard let next = opening.next() else { throw Broken() }
                opening = next
            }
        }
        return replies
    }

    func outputBytes() -> [UInt8] {
        let queue = link.pointee.output
        let bytes = Array(UnsafeBufferPointer(start: room + queue.start, count: queue.count))
        link.pointee.output.consume(bytes.count)
        return bytes
    }

    /// Hands bytes in, at most `chunk` at a time, until the side under test stops.
    func play(_ bytes: [UInt8], chunk: Int = .max, capacity: Int = 1 << 16) {
        for part in bytes.split(every: chunk) where stop == nil {
            let window = UnsafeMutablePointer<UInt8>.allocate(capacity: part.count)
            defer { window.deallocate() }
            window.update(from: part, count: part.count)
            _ = link.pointee.offer(window, part.count)
            let plain = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
            defer { plain.deallocate() }
            reading: while true {
                let (filled, reason) = records.open(link, into: plain, capacity: capacity)
                received += UnsafeBufferPointer(start: plain, count: filled)
                switch reason {
                case .full: continue
                case .wantsInput: break reading
                case .closed, .failed:
                    stop = reason
                    link.pointee.dropInput()
                    break reading
                }
            }
        }
    }

    func seal(_ bytes: [UInt8], updatingKey: Bool = false) -> Bool {
        var block = bytes + [0xEE]
        let done = block.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return records.seal(base, bytes.count, updatingKey: updatingKey, into: &link.pointee.output)
        }
        precondition(block == bytes + [0xEE])
        return done
    }

    func updateKey(requestingPeer: Bool) -> Bool {
        records.updateKey(requestingPeer: requestingPeer, &link.pointee.output)
    }

    func close() -> Bool { records.sendAlert(fatal: false, 0, &link.pointee.output) }

    /// Leaves the side under test no room to write.
    func takeRoom() { link.pointee.output = CipherQueue() }
}
