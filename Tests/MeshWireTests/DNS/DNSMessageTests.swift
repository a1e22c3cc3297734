import MeshCore
import MeshWire
import Testing

@Suite("DNS messages")
struct DNSMessageTests {
    private static func ip(_ text: String) -> IPAddress { IPAddress(text) ?? .anyV6 }
    private static func name(_ text: String) -> DNSName { DNSName(text) ?? .root }

    private func header(_ bytes: [UInt8]) -> DNSHeader? { DNSHeader(bytes.span) }
    private func parse(_ bytes: [UInt8]) throws -> DNSMessage { try DNSMessage.parse(bytes.span) }

    @Test("reads a request with EDNS")
    func query() throws {
        let query = try parse(DNSVectors.unboundQuery)
        #expect(query.header.id == 0x1234)
        #expect(query.header.recursionDesired)
        #expect(!query.header.isResponse)
        #expect(query.questions == [DNSQuestion(name: Self.name("www.example.test"), type: .a)])
        #expect(query.edns == EDNS(payloadSize: 1232, version: 0, wantsDNSSEC: true))
    }

    @Test("reads replies of unbound and dnsmasq")
    func replies() throws {
        let www = Self.name("www.example.test"), alias = Self.name("alias.example.test")
        let two = try parse(DNSVectors.unboundReply)
        #expect(two.header.isResponse && two.header.isAuthoritative && two.header.recursionAvailable)
        #expect(
            two.answers
                == ["192.0.2.1", "192.0.2.2"].map {
                    DNSRecord(name: www, timeToLive: 300, content: .a(Self.ip($0)))
                })
        #expect(two.edns?.wantsDNSSEC == true)
        #expect(
            try parse(DNSVectors.unboundAlias).answers
                == [DNSRecord(name: alias, timeToLive: 60, content: .cname(www))])
        #expect(
            try parse(DNSVectors.dnsmasqAlias).answers
                == [
                    DNSRecord(name: alias, timeToLive: 0, content: .cname(www)),
                    DNSRecord(name: www, timeToLive: 0, content: .a(Self.ip("192.0.2.1"))),
                ])
        #expect(
            try parse(DNSVectors.unboundAAAA).answers
                == [DNSRecord(name: www, timeToLive: 300, content: .aaaa(Self.ip("2001:db8::1")))])
        #expect(try parse(DNSVectors.dnsmasqNameError).header.code == .nameError)
    }

    @Test(
        "writes the bytes that unbound writes",
        arguments: [
            DNSVectors.unboundQuery, DNSVectors.unboundReply, DNSVectors.unboundAlias, DNSVectors.unboundAAAA,
        ])
    func sameBytes(bytes: [UInt8]) throws {
        #expect(try parse(bytes).encoded() == bytes)
    }

    @Test("an alias and its addresses are written with every name once")
    func compression() throws {
        let message = try parse(DNSVectors.dnsmasqAlias)
        let bytes = message.encoded()
        // dnsmasq writes the alias's target in full.
        #expect(bytes.count == DNSVectors.dnsmasqAlias.count - 12)
        var again = try parse(bytes)
        again.header = message.header
        #expect(again == message)
    }

    @Test("RFC 1035, section 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root in one message")
    func rfc() throws {
        // The names of the RFC's example as questions, so that the first stands at offset 12 instead of 20.
        let bytes: [UInt8] =
            [0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]
            + [1, 0x46, 3, 0x49, 0x53, 0x49, 4, 0x41, 0x52, 0x50, 0x41, 0, 0, 1, 0, 1]
            + [3, 0x46, 0x4f, 0x4f, 0xc0, 12, 0, 1, 0, 1]
            + [0xc0, 18, 0, 1, 0, 1]
            + [0, 0, 1, 0, 1]
        let message = try parse(bytes)
        #expect(message.questions.map(\.name.description) == ["F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA", "."])
        #expect(message.encoded() == bytes)
    }

    @Test("every truncation is refused, and none is read as something else", arguments: DNSVectors.all)
    func truncations(bytes: [UInt8]) {
        for count in 0..<bytes.count {
            #expect(throws: DNSMessageError.truncated) { try parse(Array(bytes.prefix(count))) }
        }
    }

    static let header: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    static let refused: [([UInt8], DNSMessageError)] = [
        (header + [0xc0, 12, 0, 1, 0, 1], .pointer(from: 12, to: 12)),
        (header + [0xc0, 14, 1, 0x61, 0, 0, 1, 0, 1], .pointer(from: 12, to: 14)),
        (header + [1, 0x61, 0xc0, 12, 0, 1, 0, 1], .pointer(from: 14, to: 12)),
        (header + [0x40, 0, 0, 1, 0, 1], .labelType(0x40)),
        (header + [0x80, 0, 0, 1, 0, 1], .labelType(0x80)),
        (
            header + [UInt8](repeating: 0, count: 0)
                + (0..<4).flatMap { _ in [63] + [UInt8](repeating: 0x61, count: 63) }
                + [0, 0, 1, 0, 1], .nameTooLong
        ),
    ]

    @Test("refuses loops, forward pointers, label types and names that are too long", arguments: refused)
    func refuses(bytes: [UInt8], because expected: DNSMessageError) {
        #expect(throws: expected) { try parse(bytes) }
    }

    @Test("refuses a chain of more pointers than a name has labels")
    func pointerChain() {
        // A question whose type and class are no pointers, then names that each point at the one before.
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
        var questions: UInt8 = 1
        var target = 12
        for _ in 0..<130 {
            let place = bytes.count
            bytes += [0xc0 | UInt8(target >> 8), UInt8(target & 255), 0, 1, 0, 1]
            target = place
            questions += 1
        }
        bytes[5] = questions
        #expect(throws: DNSMessageError.tooManyPointers) { try parse(bytes) }
    }

    @Test("refuses an address of another length, and a second OPT")
    func badRecords() {
        var short = DNSVectors.unboundReply
        short[45] = 3  // the length of the first address
        #expect(throws: DNSMessageError.recordData(.a, byteCount: 3)) { try parse(short) }
        var twice = DNSVectors.unboundQuery + DNSVectors.unboundQuery.suffix(11)
        twice[11] = 2
        #expect(throws: DNSMessageError.misplacedOPT) { try parse(twice) }
    }

    @Test("165: 256 answers are whole for TCP, and for UDP as many as fit, with TC")
    func manyAnswers() throws {
        let name = Self.name("many.ns.svc.cluster.local")
        let question = DNSQuestion(name: name, type: .a)
        var header = DNSHeader(id: 7)
        header.isResponse = true
        let answers = (0..<256).map {
            DNSRecord(name: name, timeToLive: 30, content: .a(IPAddress(v4: 0xf000_0000 + UInt32($0))))
        }
        let message = DNSMessage(header: header, questions: [question], answers: answers, edns: EDNS(payloadSize: 1232))
        let whole = try parse(message.encoded())
        #expect(!whole.header.isTruncated)
        #expect(whole.answers == answers)
        for limit in [512, 1232] {
            let bytes = message.encoded(limit: limit)
            let cut = try parse(bytes)
            #expect(bytes.count <= limit && bytes.count > limit - 16)
            #expect(cut.header.isTruncated)
            #expect(cut.answers == Array(answers.prefix(cut.answers.count)))
            #expect(cut.edns == EDNS(payloadSize: 1232))
        }
    }

    @Test("no message is longer than TCP can carry")
    func byteLimit() throws {
        let name = Self.name("a.b")
        let answers = (0..<5000).map {
            DNSRecord(name: name, timeToLive: 30, content: .a(IPAddress(v4: UInt32($0))))
        }
        let message = DNSMessage(
            header: DNSHeader(id: 1), questions: [DNSQuestion(name: name, type: .a)], answers: answers)
        let bytes = message.encoded()
        #expect(bytes.count <= 65535)
        #expect(try parse(bytes).header.isTruncated)
    }

    @Test("names behind the reach of a pointer are written in full")
    func farNames() throws {
        let answers = (0..<1500).map {
            DNSRecord(
                name: Self.name("n\($0).far.example"), timeToLive: 30, content: .a(IPAddress(v4: UInt32($0))))
        }
        let message = DNSMessage(header: DNSHeader(id: 1), questions: [], answers: answers)
        #expect(try parse(message.encoded()).answers == answers)
    }

    @Test("a foreign reply that is too long becomes its question with TC; a short one stays as it is")
    func fitting() throws {
        let reply = DNSVectors.unboundReply
        #expect(DNSMessage.fitting(reply, limit: reply.count, edns: nil) == reply)
        var long = reply
        long += [UInt8](repeating: 0, count: 600)
        let cut = try parse(DNSMessage.fitting(long, limit: 512, edns: EDNS(payloadSize: 512)))
        #expect(cut.header.isTruncated)
        #expect(cut.header.id == 0x1234)
        #expect(cut.questions.count == 1 && cut.answers.isEmpty)
        #expect(cut.edns != nil)
    }

    @Test("a payload size below 512 counts as 512")
    func smallPayload() throws {
        var bytes = DNSVectors.unboundQuery
        bytes[bytes.count - 8] = 0  // 0x00d0 = 208
        #expect(try parse(bytes).edns?.payloadSize == 512)
    }

    @Test("only the header changes when it is overwritten, and a reply keeps id, opcode and wishes")
    func overwrite() throws {
        var bytes = DNSVectors.unboundReply
        var header = try #require(self.header(bytes))
        header.id = 0xabcd
        header.isAuthoritative = false
        header.overwrite(&bytes)
        #expect(bytes[..<4] == [0xab, 0xcd, 0x81, 0x80])
        #expect(bytes[4...] == DNSVectors.unboundReply[4...])
        let reply = try #require(self.header(DNSVectors.unboundQuery)).reply(.serverFailure)
        #expect(reply.encoded == [0x12, 0x34, 0x81, 0x82, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(self.header(Array(bytes.prefix(11))) == nil)
    }
}
