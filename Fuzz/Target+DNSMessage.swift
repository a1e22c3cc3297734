import MeshWire

extension Target {
    static let dnsMessage = Target(
        name: "DNSMessage", seeds: [],
        byteSeeds: [
            // Of unbound and dnsmasq: a request with EDNS, two addresses, an alias with its address, IPv6.
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0x61, 0, 0, 1, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0],
            [
                0x12, 0x34, 0x85, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 1, 0, 1,
                0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 192, 0, 2, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 192,
                0, 2, 2,
            ],
            [
                0x12, 0x34, 0x85, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 1, 0, 1,
                0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 4, 1, 0x63, 0xc0, 14, 0xc0, 33, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192,
                0, 2, 1,
            ],
            [
                0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0x61, 0, 0, 28, 0, 1,
                0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 9, 0, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ],
        ],
        check: { bytes in
            guard let read = try? DNSMessage.parse(bytes.span) else { return nil }
            for name in read.questions.map(\.name) + read.answers.map(\.name) {
                if let text = name.hostname, DNSName(text) != name { return "\(name) is not read back from text" }
            }
            let encoded = read.encoded()
            guard let again = try? DNSMessage.parse(encoded.span) else { return "what was written is not read" }
            if again.questions != read.questions || again.answers != read.answers || again.edns != read.edns
                || again.header.flags != read.header.flags
            {
                return "\(read) is read back as \(again)"
            }
            guard read.questions.count <= 1 else { return nil }
            let limit = DNSMessage.plainPayload
            let cut = read.encoded(limit: limit)
            if cut.count > limit || (try? DNSMessage.parse(cut.span)) == nil { return "\(read) is cut to \(cut)" }
            return DNSMessage.fitting(bytes, limit: limit, edns: read.edns).count > limit ? "does not fit" : nil
        })
}
