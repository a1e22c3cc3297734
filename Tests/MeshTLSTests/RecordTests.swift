import MeshCore
import MeshTLS
import Testing

@Suite("TLS records")
struct RecordTests {
    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(
        "512 KiB come through, however they are cut",
        arguments: [(1, 9_973), (16_384, 16_406), (16_385, 4096), (65_537, 100_003), (524_288, 524_288)])
    func carriesBulk(plainChunk: Int, cipherChunk: Int) throws {
        let pair = try Pair.established()
        // One byte a record is slow without optimisation, and shows the same with fewer.
        let data = Self.pattern(plainChunk == 1 ? 4096 : 512 << 10)
        for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
            for part in data.split(every: plainChunk) { #expect(from.seal(part) == .sealed) }
            for part in from.takeOutput().split(every: cipherChunk) { to.receive(part) }
            #expect(to.takeReceived() == data)
        }
    }

    @Test("plaintext comes out through a buffer of any size", arguments: [1, 7, 100, 16_383, 16_384, 1 << 20])
    func fillsAnyBuffer(capacity: Int) throws {
        let pair = try Pair.established()
        let data = Self.pattern(40_000)
        #expect(pair.client.seal(data) == .sealed)
        pair.server.receive(pair.client.takeOutput(), capacity: capacity)
        #expect(pair.server.takeReceived() == data)
    }

    @Test("half a record waits, cut anywhere")
    func keepsHalfRecords() throws {
        let pair = try Pair.established()
        for cut in 1..<122 {
            let data = Self.pattern(100)
            #expect(pair.client.seal(data) == .sealed)
            let record = pair.client.takeOutput()
            #expect(record.count == 122)
            pair.server.receive(Array(record[..<cut]))
            #expect(pair.server.takeReceived().isEmpty)
            #expect(!pair.server.session.hasBufferedInput)
            pair.server.receive(Array(record[cut...]))
            #expect(pair.server.takeReceived() == data)
        }
    }

    @Test("sealing never takes more room than was foretold", arguments: [1, 100, 16_384, 16_385, 300_000])
    func foretellsSize(count: Int) throws {
        let pair = try Pair.established()
        #expect(pair.client.seal(Self.pattern(count)) == .sealed)
        let made = pair.client.takeOutput().count
        #expect(made == count + (count + 16_383) / 16_384 * 22)
        #expect(made <= TLSSession.sealedSize(of: count))
    }

    @Test("sealing without room does nothing, and works later")
    func refusesWithoutRoom() throws {
        let pair = try Pair.established()
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 2000)
        defer { buffer.deallocate() }
        let own = pair.client.session.output
        pair.client.session.output = CipherQueue()
        #expect(pair.client.seal([1]) == .outputFull)
        pair.client.session.output = CipherQueue(buffer, capacity: TLSSession.sealedSize(of: 1000) - 1)
        #expect(pair.client.seal(Self.pattern(1000)) == .outputFull)
        #expect(pair.client.session.output.isEmpty)
        pair.client.session.output = CipherQueue(buffer, capacity: 2000)
        #expect(pair.client.seal(Self.pattern(1000)) == .sealed)
        pair.server.receive(pair.client.takeOutput())
        #expect(pair.server.takeReceived() == Self.pattern(1000))
        pair.client.session.output = own
    }

    @Test("nothing to seal makes no record")
    func sealsNothing() throws {
        let pair = try Pair.established()
        var bytes: [UInt8] = [0]
        #expect(pair.client.session.seal(&bytes, 0) == .sealed)
        #expect(pair.client.takeOutput().isEmpty)
    }

    @Test("any altered byte of a record ends the session and tells the peer")
    func refusesAlteredRecord() throws {
        let (client, server) = try (Fixture.credential("cart"), Fixture.credential("front"))
        for index in 0..<32 {
            let pair = try Pair(client: client, server: server)
            pair.settle()
            #expect(pair.client.seal(Self.pattern(10)) == .sealed)
            var record = pair.client.takeOutput()
            record[index] ^= 1
            // A longer length announces bytes that never come; these do.
            pair.server.receive(record + [UInt8](repeating: 0, count: 300))
            let failure = try #require(pair.server.failure)
            if index >= 5 { #expect(failure == .badRecord) }
            #expect(pair.server.takeReceived().isEmpty)
            #expect(pair.server.seal([1]) == .failed(failure))
            pair.settle()
            #expect(pair.client.failure != nil)
        }
    }

    @Test("plaintext after the handshake ends the session")
    func refusesPlaintext() throws {
        let pair = try Pair.established()
        pair.server.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(pair.server.failure != nil)
    }

    @Test("data before a bad record is still given")
    func givesDataBeforeFailure() throws {
        let pair = try Pair.established()
        #expect(pair.client.seal([1, 2, 3]) == .sealed)
        let good = pair.client.takeOutput()
        #expect(pair.client.seal([4, 5, 6]) == .sealed)
        var bad = pair.client.takeOutput()
        bad[7] ^= 1
        pair.server.receive(good + bad)
        #expect(pair.server.takeReceived() == [1, 2, 3])
        #expect(pair.server.failure == .badRecord)
    }

    @Test("close_notify ends one direction")
    func closes() throws {
        let pair = try Pair.established()
        #expect(pair.client.seal([1, 2]) == .sealed)
        pair.client.session.close()
        pair.client.session.close()
        let flight = pair.client.takeOutput()
        #expect(flight.count == 24 + 24)
        pair.server.receive(flight)
        #expect(pair.server.takeReceived() == [1, 2])
        #expect(pair.server.ending == .closed)
        #expect(pair.server.seal([3]) == .sealed)
        pair.server.session.close()
        pair.client.receive(pair.server.takeOutput())
        #expect(pair.client.takeReceived() == [3])
        #expect(pair.client.ending == .closed)
    }

    @Test("closing in a handshake sends nothing")
    func closesEarly() throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        client.session.close()
        #expect(client.takeOutput().isEmpty)
    }

    @Test("keys are updated by either side, with and without an answer", arguments: [true, false], [true, false])
    func updatesKeys(fromClient: Bool, requestingPeer: Bool) throws {
        let pair = try Pair.established()
        let (one, other) = fromClient ? (pair.client, pair.server) : (pair.server, pair.client)
        for round: UInt8 in 0..<5 {
            #expect(one.session.updateKeys(requestingPeer: requestingPeer))
            #expect(one.seal([round]) == .sealed)
            other.receive(one.takeOutput())
            #expect(other.takeReceived() == [round])
            #expect(other.seal([round, round]) == .sealed)
            // The answer is a KeyUpdate of 5 + 5 + 17 bytes, in front of the data.
            let flight = other.takeOutput()
            #expect(flight.count == (requestingPeer ? 27 : 0) + 24)
            one.receive(flight)
            #expect(one.takeReceived() == [round, round])
        }
        #expect(one.failure == nil)
        #expect(other.failure == nil)
    }

    @Test("keys are updated before they wear out")
    func updatesKeysByItself() throws {
        var options = TLSOptions()
        options.recordsPerKey = 3
        let pair = try Pair.established(options: options)
        var sizes: [Int] = []
        for round: UInt8 in 0..<7 {
            #expect(pair.client.seal([round]) == .sealed)
            let flight = pair.client.takeOutput()
            sizes.append(flight.count)
            pair.server.receive(flight)
            #expect(pair.server.takeReceived() == [round])
        }
        #expect(sizes == [23, 23, 50, 23, 23, 50, 23])
    }

    @Test("calls out of order end the session")
    func refusesMisuse() throws {
        let client = try Side(.client, Fixture.credential("cart"), expecting: .oneOf([Fixture.id("front")]))
        guard case .failed(.misuse) = client.seal([1]) else {
            Issue.record("sealed before the handshake")
            return
        }
        let pair = try Pair.established()
        pair.client.session.close()
        guard case .failed(.misuse) = pair.client.seal([1]) else {
            Issue.record("sealed after close")
            return
        }
    }

    @Test("new input while a window is set ends the session, and the first reason stays")
    func refusesSecondWindow() throws {
        let pair = try Pair.established()
        #expect(pair.client.seal(Self.pattern(100)) == .sealed)
        var record = pair.client.takeOutput()
        var plain = [UInt8](repeating: 0, count: 10)
        record.withUnsafeMutableBufferPointer { window in
            plain.withUnsafeMutableBufferPointer { plain in
                guard let into = plain.baseAddress else { return }
                let session = pair.server.session
                #expect(session.handshake(window.baseAddress, window.count) == .done)
                #expect(session.hasBufferedInput)
                let first = session.open(window.baseAddress, window.count, into: into, capacity: plain.count)
                guard case .failed(.misuse) = first else {
                    Issue.record("\(first)")
                    return
                }
                #expect(session.open(window.baseAddress, window.count, into: into, capacity: plain.count) == first)
                #expect(session.open(window.baseAddress, window.count, into: into, capacity: plain.count) == first)
                #expect(!session.hasBufferedInput)
            }
        }
    }

    @Test("a queue counts, consumes and moves to the front")
    func queues() {
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 10)
        defer { buffer.deallocate() }
        for index in 0..<10 { buffer[index] = UInt8(index) }
        var queue = CipherQueue(buffer, capacity: 10)
        queue.end = 8
        queue.consume(5)
        #expect((queue.count, queue.room) == (3, 2))
        queue.compact()
        #expect((queue.start, queue.count, queue.room) == (0, 3, 7))
        #expect([buffer[0], buffer[1], buffer[2]] == [5, 6, 7])
        queue.consume(3)
        #expect(queue.isEmpty)
        #expect(queue.room == 10)
    }
}
