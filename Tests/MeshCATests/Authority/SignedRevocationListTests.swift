import SwiftASN1
import Testing
import X509

@testable import MeshCA

@Suite("A revocation list's bytes")
struct SignedRevocationListTests {
    static let root = Result { try TestIssuer("root") }

    func list(_ entries: Int = 3) throws -> [UInt8] {
        let root = try Self.root.get()
        let pem = try RevocationListWriter(issuer: root.certificate, key: root.key).pem(
            (0..<entries).map {
                RevocationList.Entry(
                    serial: [UInt8($0 + 200)], revokedAt: ManualClock.start, reason: $0 == 0 ? nil : .superseded)
            }, number: 300, thisUpdate: ManualClock.start, nextUpdate: ManualClock.start + day)
        return try PEMDocument(pemString: pem).derBytes
    }

    @Test("are read as they were written, signature and all")
    func roundTrip() throws {
        let list = try SignedRevocationList(derEncoded: list())
        #expect(list.number == 300)
        #expect(list.thisUpdate == ManualClock.start && list.nextUpdate == ManualClock.start + day)
        #expect(list.entries.map(\.serial) == [[200], [201], [202]])
        #expect(list.entries.map(\.reason) == [nil, .superseded, .superseded])
        #expect(list.isSigned(by: try Self.root.get().certificate))
        #expect(!list.isSigned(by: try TestIssuer("root").certificate))
    }

    @Test("without an entry are a list too")
    func empty() throws { #expect(try SignedRevocationList(derEncoded: list(0)).entries.isEmpty) }

    @Test("cut short anywhere are refused")
    func truncations() throws {
        let bytes = try list()
        for count in 0..<bytes.count {
            #expect(throws: (any Error).self) { try SignedRevocationList(derEncoded: Array(bytes.prefix(count))) }
        }
    }

    @Test("changed anywhere are refused or not signed any more", arguments: 0..<4)
    func mutations(seed: UInt64) throws {
        let bytes = try list()
        let root = try Self.root.get().certificate
        var generator = Seeded(state: seed + 1)
        for _ in 0..<3000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let list = try? SignedRevocationList(derEncoded: changed) else { continue }
            // The signature can be written in more than one way; what it signs cannot.
            #expect(!list.isSigned(by: root) || list.entries.map(\.serial) == [[200], [201], [202]])
        }
    }
}

/// The same numbers for the same seed.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var word = state
        word ^= word >> 33
        return word &* 0xff51_afd7_ed55_8ccd
    }
}

@Suite("Times in DER")
struct DERTimeTests {
    @Test(
        "are UTCTime through 2049 and GeneralizedTime after that, and come back",
        arguments: [
            (0, "700101000000Z"), (951_782_400, "000229000000Z"), (ManualClock.start, "260101000000Z"),
            (2_524_607_999, "491231235959Z"), (2_524_608_000, "20500101000000Z"), (4_107_542_399, "21000228235959Z"),
            (4_107_542_400, "21000301000000Z"),
        ] as [(Int64, String)])
    func known(seconds: Int64, text: String) throws {
        var serializer = DER.Serializer()
        try DERTime.append(seconds, to: &serializer)
        let bytes = serializer.serializedBytes
        #expect(String(decoding: bytes.dropFirst(2), as: UTF8.self) == text)
        #expect(bytes.first == (text.count == 13 ? 0x17 : 0x18))
        #expect(try DERTime.seconds(try DER.parse(bytes)) == seconds)
    }

    @Test("of every day for four hundred years come back")
    func days() throws {
        for number in stride(from: Int64(0), to: 146_097, by: 1) {
            var serializer = DER.Serializer()
            try DERTime.append(number * 86400 + 86399, to: &serializer)
            let seconds = try DERTime.seconds(try DER.parse(serializer.serializedBytes))
            if seconds != number * 86400 + 86399 { Issue.record("day \(number)"); return }
        }
    }
}
