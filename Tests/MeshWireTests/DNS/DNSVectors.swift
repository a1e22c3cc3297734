/// Messages of other implementations, taken off a socket.
enum DNSVectors {
    /// To unbound 1.17.1: A of www.example.test, EDNS of 1232 bytes with DO.
    static let unboundQuery = bytes(
        "12340100000100000000000103777777076578616d706c650474657374000001000100002904d0000080000000")
    /// What it answered: two addresses for 300 s.
    static let unboundReply = bytes(
        "12348580000100020000000103777777076578616d706c6504746573740000010001c00c000100010000012c0004c0000201"
            + "c00c000100010000012c0004c000020200002904d0000080000000")
    /// From unbound: A of alias.example.test, an alias whose target is compressed against the question.
    static let unboundAlias = bytes(
        "12348580000100010000000005616c696173076578616d706c6504746573740000010001c00c000500010000003c000603777777c012")
    /// From dnsmasq 2.90: the same, with the address; the second record's name points into the first one's data.
    static let dnsmasqAlias = bytes(
        "12348580000100020000000005616c696173076578616d706c6504746573740000010001"
            + "c00c0005000100000000001203777777076578616d706c65047465737400c03000010001000000000004c0000201")
    /// From unbound: AAAA of www.example.test.
    static let unboundAAAA = bytes(
        "12348580000100010000000003777777076578616d706c65047465737400001c0001"
            + "c00c001c00010000012c001020010db8000000000000000000000001")
    /// From dnsmasq: no such name.
    static let dnsmasqNameError = bytes(
        "123481830001000000000000046e6f7065076578616d706c6504746573740000010001")

    static let all = [unboundQuery, unboundReply, unboundAlias, dnsmasqAlias, unboundAAAA, dnsmasqNameError]

    static func bytes(_ hex: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = hex[...]
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
