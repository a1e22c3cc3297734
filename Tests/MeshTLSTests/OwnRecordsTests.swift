import MeshCore
import Testing

@testable import MeshTLS

@Suite("Records of our own")
struct OwnRecordsTests {
    static let engines = AEADEngine.allCases.filter { $0.serves(.aes128GCM) }

    @Test("reads and writes the traffic of RFC 8448 as a client", arguments: engines, [1, 7, .max])
    func clientTrace(engine: AEADEngine, chunk: Int) throws {
        let forge = try RecordForge(.client, engine)
        #expect(forge.seal(RFC8448.payload))
        #expect(forge.outputBytes() == RFC8448.clientData)
        #expect(forge.close())
        #expect(forge.outputBytes() == RFC8448.clientClose)
        forge.play(RFC8448.ticket + RFC8448.serverData + RFC8448.serverClose, chunk: chunk)
        #expect(forge.received == RFC8448.payload)
        #expect(forge.stop == .closed)
    }

    @Test("reads and writes the traffic of RFC 8448 as a server", arguments: engines, [1, 7, .max])
    func serverTrace(engine: AEADEngine, chunk: Int) throws {
        let forge = try RecordForge(.server, engine)
        forge.play(RFC8448.clientData + RFC8448.clientClose, chunk: chunk)
        #expect(forge.received == RFC8448.payload)
        #expect(forge.stop == .closed)
    }

    @Test("derives the keys of RFC 8448")
    func derives() throws {
        for (secret, key, iv) in [
            (RFC8448.clientSecret, RFC8448.clientKey, RFC8448.clientIV),
            (RFC8448.serverSecret, RFC8448.serverKey, RFC8448.serverIV),
        ] {
            let secret = try RecordForge.secret(secret)
            for (label, expected) in [("key", key), ("iv", iv)] {
                guard let made = secret.expanded(label, expected.count, .sha256) else { throw RecordForge.Broken() }
                #expect(Array(UnsafeBufferPointer(start: made.base, count: made.count)) == expected)
            }
        }
    }

    /// What is played to a server after one good record, the fault that it is, and the alert that the peer gets.
    struct Attack: Sendable, CustomStringConvertible {
        let description: String
        let fault: RecordFault
        let bytes: @Sendable (RecordForge) throws -> [UInt8]

        init(_ what: String, _ fault: RecordFault, _ bytes: @escaping @Sendable (RecordForge) throws -> [UInt8]) {
            description = what
            self.fault = fault
            self.bytes = bytes
        }
    }

    static let attacks: [Attack] = [
        Attack("an altered tag", .badRecord) { forge in
            var record = forge.data([1, 2, 3])
            record[record.count - 1] ^= 1
            return record
        },
        Attack("an altered version", .badRecord) { forge in
            var record = forge.data([1, 2, 3])
            record[2] = 1
            return record
        },
        Attack("a record left out", .badRecord) { forge in
            _ = forge.data([1])
            return forge.data([2])
        },
        Attack("a record repeated", .badRecord) { forge in
            let record = forge.data([])
            return record + record
        },
        Attack("two records in the wrong order", .badRecord) { forge in
            let (first, second) = (forge.data([1]), forge.data([2]))
            return second + first
        },
        Attack("a record too short for a tag", .badRecord) { _ in [23, 3, 3, 0, 15] + [UInt8](repeating: 0, count: 15)
        },
        Attack("an empty record", .badRecord) { _ in [23, 3, 3, 0, 0] },
        Attack("a header that announces too much", .tooLong(16_641)) { _ in [23, 3, 3, 0x41, 0x01] },
        Attack("more plaintext than a record may have", .tooLong(16_385)) { forge in
            forge.data([UInt8](repeating: 7, count: 16_385))
        },
        Attack("no type but zeros", .noType) { forge in forge.raw([0, 0, 0]) },
        Attack("nothing at all in a record", .noType) { forge in forge.raw([]) },
        Attack("a type that does not exist", .unknownType(24)) { forge in forge.record([1], type: 24) },
        Attack("a protected change_cipher_spec", .unknownType(20)) { forge in forge.record([1], type: 20) },
        Attack("change_cipher_spec in plaintext", .plaintext(20)) { _ in [20, 3, 3, 0, 1, 1] },
        Attack("an alert in plaintext", .plaintext(21)) { _ in [21, 3, 3, 0, 2, 2, 40] },
        Attack("a handshake message in plaintext", .plaintext(22)) { _ in [22, 3, 3, 0, 5, 24, 0, 0, 1, 0] },
        Attack("a request in plaintext", .plaintext(UInt8(ascii: "G"))) { _ in Array("GET / HTTP/1.1\r\n".utf8) },
        Attack("an outer type other than data", .plaintext(22)) { forge in
            forge.record([24, 0, 0, 1, 0], type: 22, outerType: 22)
        },
        Attack("an alert of one byte", .malformedAlert) { forge in forge.record([2], type: 21) },
        Attack("two alerts in a record", .malformedAlert) { forge in forge.record([1, 90, 1, 0], type: 21) },
        Attack("an empty alert", .malformedAlert) { forge in forge.record([], type: 21) },
        Attack("an empty handshake record", .emptyMessage) { forge in forge.record([], type: 22) },
        Attack("a ticket for a server", .unexpectedMessage(4)) { forge in
            forge.record([4, 0, 0, 14] + [UInt8](repeating: 0, count: 14), type: 22)
        },
        Attack("a ClientHello", .unexpectedMessage(1)) { forge in forge.record([1, 0, 0, 0], type: 22) },
        Attack("a CertificateRequest", .unexpectedMessage(13)) { forge in forge.record([13, 0, 0, 0], type: 22) },
        Attack("a Finished", .unexpectedMessage(20)) { forge in forge.record([20, 0, 0, 0], type: 22) },
        Attack("a KeyUpdate of no byte", .malformedMessage(24)) { forge in forge.record([24, 0, 0, 0], type: 22) },
        Attack("a KeyUpdate of two bytes", .malformedMessage(24)) { forge in
            forge.record([24, 0, 0, 2, 0, 0], type: 22)
        },
        Attack("a KeyUpdate that is longer than any", .malformedMessage(24)) { forge in
            forge.record([24, 0xFF, 0xFF, 0xFF, 0], type: 22)
        },
        Attack("a KeyUpdate that asks for 2", .malformedMessage(24)) { forge in
            forge.record([24, 0, 0, 1, 2], type: 22)
        },
        Attack("two KeyUpdates in a record", .messageBehindKeyUpdate) { forge in
            forge.record([24, 0, 0, 1, 0, 24, 0, 0, 1, 0], type: 22)
        },
        Attack("half a message behind a KeyUpdate", .messageBehindKeyUpdate) { forge in
            forge.record([24, 0, 0, 1, 0, 24], type: 22)
        },
        Attack("data inside of a handshake message", .interruptedMessage) { forge in
            forge.record([24, 0], type: 22) + forge.data([1])
        },
        Attack("empty data inside of a handshake message", .interruptedMessage) { forge in
            forge.record([24, 0, 0, 1], type: 22) + forge.data([])
        },
        Attack("the old key after a KeyUpdate", .badRecord) { forge in
            forge.record([24, 0, 0, 1, 0], type: 22) + forge.data([1])
        },
        Attack("the new key without a KeyUpdate", .badRecord) { forge in
            try forge.changeKey()
            return forge.data([1])
        },
        Attack("records without content", .flood("empty records")) { forge in
            (0...RecordPatience.emptyRecords).flatMap { _ in forge.data([]) }
        },
        Attack("records of padding alone", .flood("empty records")) { forge in
            (0...RecordPatience.emptyRecords).flatMap { _ in forge.record([], type: 23, padding: 100) }
        },
        Attack("user_canceled again and again", .flood("empty records")) { forge in
            (0...RecordPatience.emptyRecords).flatMap { _ in forge.record([1, 90], type: 21) }
        },
        Attack("KeyUpdates again and again", .flood("KeyUpdates")) { forge in
            try (0...RecordPatience.keyUpdates).flatMap { _ in try forge.keyUpdate() }
        },
        Attack("a KeyUpdate for every record", .flood("KeyUpdates")) { forge in
            try (0..<2 * RecordPatience.keyUpdates).flatMap { _ in
                try forge.data([]) + forge.data([1]) + forge.keyUpdate()
            }
        },
    ]

    @Test("ends the connection by the right alert, however it is cut", arguments: attacks, [1, .max])
    func refuses(attack: Attack, chunk: Int) throws {
        for engine in Self.engines {
            let forge = try RecordForge(.server, engine)
            forge.play(forge.data([0xAB]))
            forge.play(try attack.bytes(forge), chunk: chunk)
            #expect(forge.stop == .failed)
            #expect(forge.received.first == 0xAB)
            #expect(!forge.received.contains(7))
            #expect(forge.records.failure == attack.fault.failure)
            let replies = try forge.replies()
            #expect(replies.map(\.type) == [21])
            #expect(replies.first?.content == [2, attack.fault.alert])
        }
    }

    @Test("a fault is named with its alert")
    func names() {
        for attack in Self.attacks where attack.fault != .badRecord {
            let name = alertName(Int32(attack.fault.alert))
            guard case .protocolError(let text) = attack.fault.failure else {
                Issue.record("\(attack.fault)")
                continue
            }
            #expect(text.hasPrefix("\(name): "))
        }
        #expect(RecordFault.badRecord.failure == .badRecord)
    }

    @Test("every alert of the peer but two ends the connection with its name", arguments: engines)
    func alerts(engine: AEADEngine) throws {
        for code in 0...UInt8.max where code != 0 && code != 90 {
            let forge = try RecordForge(.client, engine)
            forge.play(forge.data([5]) + forge.record([1, code], type: 21))
            #expect(forge.received == [5])
            #expect(forge.stop == .failed)
            #expect(forge.records.failure == .peerAlert(alertName(Int32(code))))
            #expect(forge.outputBytes().isEmpty)
        }
        let forge = try RecordForge(.client, engine)
        forge.play(forge.record([1, 90], type: 21) + forge.data([5]) + forge.record([1, 0], type: 21) + [1, 2, 3])
        #expect(forge.received == [5])
        #expect(forge.stop == .closed)
    }

    @Test("tickets are passed over however they are cut, and limited", arguments: [1, 2, 3, 5, 100, 16_384])
    func tickets(piece: Int) throws {
        let forge = try RecordForge(.client, .libcrypto)
        let ticket: [UInt8] = [4, 0, 1, 0] + [UInt8](repeating: 9, count: 256)
        for round: UInt8 in 0..<3 {
            for part in (ticket + ticket).split(every: piece) { forge.play(forge.record(part, type: 22)) }
            forge.play(forge.data([round]))
        }
        #expect(forge.received == [0, 1, 2])
        #expect(forge.stop == nil)
        for _ in 0...RecordPatience.ticketBytes / ticket.count { forge.play(forge.record(ticket, type: 22)) }
        #expect(forge.records.failure == RecordFault.flood("session tickets").failure)
    }

    @Test("tickets of impossible length are refused", arguments: [0, 13, 1 << 18])
    func ticketLengths(size: Int) throws {
        let forge = try RecordForge(.client, .libcrypto)
        let head = [4, UInt8(size >> 16), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF)]
        forge.play(forge.record(head + [0, 0], type: 22))
        #expect(forge.records.failure == RecordFault.malformedMessage(4).failure)
    }

    @Test("a KeyUpdate may be cut into records, and behind a ticket", arguments: engines)
    func cutKeyUpdate(engine: AEADEngine) throws {
        let forge = try RecordForge(.client, engine)
        for byte: UInt8 in [24, 0, 0, 1, 0] { forge.play(forge.record([byte], type: 22)) }
        try forge.changeKey()
        forge.play(forge.data([1]))
        forge.play(forge.record([4, 0, 0, 14] + [UInt8](repeating: 0, count: 14) + [24, 0, 0, 1, 1], type: 22))
        try forge.changeKey()
        forge.play(forge.data([2]))
        #expect(forge.received == [1, 2])
        #expect(forge.stop == nil)
    }

    @Test("requests for a KeyUpdate get one answer, in front of the next data", arguments: engines)
    func answersKeyUpdate(engine: AEADEngine) throws {
        let forge = try RecordForge(.server, engine)
        forge.play(try forge.keyUpdate(answer: true) + forge.keyUpdate(answer: true) + forge.keyUpdate())
        #expect(forge.outputBytes().isEmpty)
        #expect(forge.seal([1, 2]))
        #expect(forge.seal([3]))
        let replies = try forge.replies()
        #expect(replies.map(\.type) == [22, 23, 23])
        #expect(replies.map(\.content) == [[24, 0, 0, 1, 0], [1, 2], [3]])
    }

    @Test("asks for a KeyUpdate and sends its own", arguments: engines)
    func sendsKeyUpdate(engine: AEADEngine) throws {
        let forge = try RecordForge(.server, engine)
        #expect(forge.updateKey(requestingPeer: true))
        #expect(forge.seal([1], updatingKey: true))
        #expect(forge.updateKey(requestingPeer: false))
        #expect(forge.seal([2]))
        let replies = try forge.replies()
        #expect(replies.map(\.content) == [[24, 0, 0, 1, 1], [24, 0, 0, 1, 0], [1], [24, 0, 0, 1, 0], [2]])
    }

    @Test("a patient peer may update its keys for ever")
    func manyKeyUpdates() throws {
        let forge = try RecordForge(.server, .libcrypto)
        for _ in 0..<4 * RecordPatience.keyUpdates {
            for _ in 0..<RecordPatience.recordsPerKeyUpdate { forge.play(forge.data([1])) }
            forge.play(try forge.keyUpdate())
        }
        #expect(forge.stop == nil)
    }

    @Test("padding is taken off, and the longest record opened", arguments: engines, [1, 100, 16_384, 1 << 16])
    func padding(engine: AEADEngine, capacity: Int) throws {
        let forge = try RecordForge(.server, engine)
        let longest = RecordTests.pattern(16_384)
        let records =
            forge.record([0, 0, 5, 0, 0], type: 23, padding: 300) + forge.record(longest, type: 23, padding: 239)
            + forge.record([9], type: 23, padding: 16_622)
        forge.play(records, capacity: capacity)
        #expect(forge.received == [0, 0, 5, 0, 0] + longest + [9])
        #expect(forge.stop == nil)
    }

    @Test("a fault without room for an alert still ends the connection")
    func faultWithoutRoom() throws {
        let forge = try RecordForge(.server, .libcrypto)
        forge.takeRoom()
        forge.play([20, 3, 3, 0, 1, 1])
        #expect(forge.stop == .failed)
        #expect(forge.records.failure == RecordFault.plaintext(20).failure)
        #expect(!forge.close())
        #expect(!forge.updateKey(requestingPeer: false))
        #expect(!forge.seal([1]))
    }

    @Test("every suite carries data, by every engine that serves it")
    func suites() throws {
        for suite in TLSOptions.CipherSuite.allCases {
            for engine in AEADEngine.allCases where engine.serves(suite) {
                let forge = try RecordForge(.client, engine, suite)
                let data = RecordTests.pattern(40_000)
                for part in data.split(every: 16_384) { forge.play(forge.data(part)) }
                forge.play(try forge.keyUpdate() + forge.data([1]))
                #expect(forge.received == data + [1])
                #expect(forge.seal(data, updatingKey: true))
                let replies = try forge.replies()
                #expect(replies.dropFirst().flatMap(\.content) == data)
            }
        }
    }
}
