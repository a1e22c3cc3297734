import COpenSSL

/// The record layer of TLS 1.3 (RFC 8446 section 5) by our own code, from the traffic secrets of a finished handshake on.
///
/// Records are opened straight from the window that was handed in to the caller's buffer, and sealed straight from the
/// caller's buffer to the output: one pass over the bytes, no copy beside it. Isolation: as its session. Cost: no
/// allocation per record; one of a record's size when a window ends inside of it.
@safe final class OwnRecords {
    private enum ContentType {
        static let alert: UInt8 = 21
        static let handshake: UInt8 = 22
        static let data: UInt8 = 23
    }

    /// Most plaintext in a record, and most that protection may add to it (sections 5.1 and 5.2).
    static let plaintextLimit = 16_384
    static let expansionLimit = 256
    static let headerSize = 5
    /// What a record is longer than its content without padding: header, type, tag.
    static let overhead = headerSize + 1 + AEADKey.tagSize
    private static let keyUpdateSize = overhead + 5

    /// A whole record that was found: its header, and how long its body is.
    @safe private struct Found {
        let base: UnsafeMutablePointer<UInt8>
        let body: Int
        let isGathered: Bool
    }

    let engine: AEADEngine
    /// Why the connection is over, once `open` has said that it failed.
    private(set) var failure: HandshakeFailure?

    private var sealing: TrafficKey
    private var opening: TrafficKey
    private var owesKeyUpdate = false
    private var reader: PostHandshakeReader
    private var patience = RecordPatience()
    private var partial = PartialRecord()
    private var spill = Spill()

    /// - Returns: `nil` when the secrets do not fit the suite, or the engine does not serve it.
    init?(
        _ suite: TLSOptions.CipherSuite, _ engine: AEADEngine, role: TLSRole,
        sealing sealingSecret: consuming SecretBytes, opening openingSecret: consuming SecretBytes
    ) {
        guard let sealing = TrafficKey(suite, .seal, engine, secret: sealingSecret),
            let opening = TrafficKey(suite, .open, engine, secret: openingSecret)
        else { return nil }
        self.engine = engine
        self.sealing = sealing
        self.opening = opening
        reader = PostHandshakeReader(isClient: role == .client)
    }

    // MARK: - Opening

    /// Opens records until `capacity` is full, the link has no whole one, or the connection ends. An alert for the peer
    /// goes to the link's output.
    func open(
        _ link: UnsafeMutablePointer<SessionLink>, into plain: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> (filled: Int, stop: RecordStop) {
        var filled = unsafe spill.drain(into: plain, capacity)
        do throws(RecordFault) {
            while filled < capacity {
                guard let record = try unsafe nextRecord(link) else { return (filled, .wantsInput) }
                let size = record.body - AEADKey.tagSize
                let fits = size <= capacity - filled
                // The next call has a whole buffer for it.
                if !fits, filled > 0 { return (filled, .full) }
                let text = unsafe fits ? plain + filled : spill.prepare(size)
                let (type, count) = try unsafe reveal(record, size, into: text)
                unsafe consume(record, link)
                if type == ContentType.data {
                    try noteData(count)
                    if fits {
                        filled += count
                    } else {
                        spill.keep(count)
                        filled = unsafe spill.drain(into: plain, capacity)
                    }
                } else if let stop = try unsafe control(type, UnsafeBufferPointer(start: text, count: count)) {
                    return (filled, stop)
                }
            }
            return (filled, .full)
        } catch {
            failure = error.failure
            _ = unsafe sendAlert(fatal: true, error.alert, &link.pointee.output)
            return (filled, .failed)
        }
    }

    @inline(__always)
    private func nextRecord(_ link: UnsafeMutablePointer<SessionLink>) throws(RecordFault) -> Found? {
        var wanted = Self.headerSize
        if partial.isEmpty, let (base, count) = unsafe link.pointee.window, count >= Self.headerSize {
            let body = try unsafe Self.bodySize(base)
            wanted += body
            if count >= wanted { return unsafe Found(base: base, body: body, isGathered: false) }
        }
        return try unsafe gather(link, until: wanted)
    }

    /// Puts a record together that came in pieces.
    private func gather(
        _ link: UnsafeMutablePointer<SessionLink>, until wanted: Int
    ) throws(RecordFault) -> Found? {
        unsafe partial.take(from: link, until: wanted)
        guard partial.count >= Self.headerSize, let head = unsafe partial.base else { return nil }
        let body = try unsafe Self.bodySize(head)
        unsafe partial.take(from: link, until: Self.headerSize + body)
        guard partial.count == Self.headerSize + body, let base = unsafe partial.base else { return nil }
        return unsafe Found(base: base, body: body, isGathered: true)
    }

    /// Checks a header. The version means nothing (section 5.1), and is authenticated with the rest.
    @inline(__always)
    private static func bodySize(_ header: UnsafePointer<UInt8>) throws(RecordFault) -> Int {
        let type = unsafe header[0]
        guard type == ContentType.data else { throw .plaintext(type) }
        let size = unsafe Int(header[3]) << 8 | Int(header[4])
        guard size <= plaintextLimit + expansionLimit else { throw .tooLong(size) }
        guard size >= AEADKey.tagSize else { throw .badRecord }
        return size
    }

    /// Opens a record to `text` and takes its padding off.
    @inline(__always)
    private func reveal(
        _ record: Found, _ size: Int, into text: UnsafeMutablePointer<UInt8>
    ) throws(RecordFault) -> (type: UInt8, count: Int) {
        let body = unsafe record.base + Self.headerSize
        guard unsafe opening.open(body, size, into: text, header: record.base) else {
            ErrorQueue.clear()
            throw .badRecord
        }
        var end = size
        while end > 0, unsafe text[end - 1] == 0 { end -= 1 }
        guard end > 0 else { throw .noType }
        guard end - 1 <= Self.plaintextLimit else { throw .tooLong(end - 1) }
        return unsafe (text[end - 1], end - 1)
    }

    @inline(__always)
    private func consume(_ record: Found, _ link: UnsafeMutablePointer<SessionLink>) {
        if record.isGathered {
            partial.clear()
        } else {
            unsafe link.pointee.skip(Self.headerSize + record.body)
        }
    }

    @inline(__always)
    private func noteData(_ count: Int) throws(RecordFault) {
        guard !reader.isInside else { throw .interruptedMessage }
        if count > 0 { patience.noteData() } else { try patience.noteEmpty() }
    }

    /// What is not data. Says why reading stops, when it does.
    private func control(_ type: UInt8, _ content: UnsafeBufferPointer<UInt8>) throws(RecordFault) -> RecordStop? {
        switch type {
        case ContentType.alert:
            guard content.count == 2 else { throw .malformedAlert }
            // The level says nothing in TLS 1.3: all but two end the connection (section 6).
            switch unsafe content[1] {
            case 0: return .closed
            case 90: try patience.noteEmpty()
            case let code:
                failure = .peerAlert(alertName(Int32(code)))
                return .failed
            }
        case ContentType.handshake:
            let event = try unsafe reader.read(content.span)
            guard case .keyUpdate(let answerWanted)? = event else {
                try patience.noteTicket(content.count)
                return nil
            }
            try patience.noteKeyUpdate()
            guard let next = opening.next() else { throw .noKey }
            opening = next
            // Sent in front of our next data, so that many requests get one answer.
            if answerWanted { owesKeyUpdate = true }
        default: throw .unknownType(type)
        }
        return nil
    }

    // MARK: - Sealing

    /// Appends records for all of `count` bytes, for which there must be room (`TLSSession.sealedSize`). The byte behind
    /// `plain` is written to and restored.
    ///
    /// - Parameter updatingKey: sends a KeyUpdate first, as one is due.
    func seal(
        _ plain: UnsafeMutablePointer<UInt8>, _ count: Int, updatingKey: Bool, into output: inout CipherQueue
    ) -> Bool {
        if updatingKey || owesKeyUpdate {
            guard updateKey(requestingPeer: false, &output) else { return false }
        }
        var source = unsafe plain
        var left = count
        while left > 0 {
            let size = min(left, Self.plaintextLimit)
            let behind = unsafe source[size]
            unsafe source[size] = ContentType.data
            let sealed = unsafe append(source, size + 1, &output)
            unsafe source[size] = behind
            guard sealed else { return false }
            unsafe source += size
            left -= size
        }
        return true
    }

    /// Sends a KeyUpdate and seals by a new key from then on.
    func updateKey(requestingPeer: Bool, _ output: inout CipherQueue) -> Bool {
        guard output.room >= Self.keyUpdateSize, let next = sealing.next(),
            appendControl([24, 0, 0, 1, requestingPeer ? 1 : 0, ContentType.handshake], &output)
        else { return false }
        sealing = next
        owesKeyUpdate = false
        return true
    }

    /// Sends an alert, where there is room for it.
    func sendAlert(fatal: Bool, _ code: UInt8, _ output: inout CipherQueue) -> Bool {
        appendControl([fatal ? 2 : 1, code, ContentType.alert], &output)
    }

    /// Content with its type as one record.
    private func appendControl(_ content: [UInt8], _ output: inout CipherQueue) -> Bool {
        guard output.room >= Self.headerSize + content.count + AEADKey.tagSize else { return false }
        return unsafe append(content, content.count, &output)
    }

    /// Seals content with its type behind it as one record.
    @inline(__always)
    private func append(_ text: UnsafePointer<UInt8>, _ count: Int, _ output: inout CipherQueue) -> Bool {
        let body = count + AEADKey.tagSize
        guard output.room >= Self.headerSize + body, let base = unsafe output.base else { return false }
        let record = unsafe base + output.end
        unsafe record[0] = ContentType.data
        unsafe record[1] = 3
        unsafe record[2] = 3
        unsafe record[3] = UInt8(truncatingIfNeeded: body >> 8)
        unsafe record[4] = UInt8(truncatingIfNeeded: body)
        guard unsafe sealing.seal(text, count, into: record + Self.headerSize, header: record) else {
            ErrorQueue.clear()
            return false
        }
        output.end += Self.headerSize + body
        return true
    }
}
