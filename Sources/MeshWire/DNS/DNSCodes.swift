/// The type of a record, or that a question asks for.
///
/// Source: IANA registry of DNS parameters.
package struct DNSRecordType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let a = DNSRecordType(rawValue: 1)
    package static let ns = DNSRecordType(rawValue: 2)
    package static let cname = DNSRecordType(rawValue: 5)
    package static let aaaa = DNSRecordType(rawValue: 28)
    package static let opt = DNSRecordType(rawValue: 41)

    private static let names: [UInt16: String] = [
        1: "a", 2: "ns", 5: "cname", 6: "soa", 12: "ptr", 13: "hinfo", 15: "mx", 16: "txt", 24: "sig", 25: "key",
        28: "aaaa", 33: "srv", 35: "naptr", 37: "cert", 39: "dname", 41: "opt", 43: "ds", 44: "sshfp", 46: "rrsig",
        47: "nsec", 48: "dnskey", 50: "nsec3", 51: "nsec3param", 52: "tlsa", 59: "cds", 60: "cdnskey", 61: "openpgpkey",
        62: "csync", 64: "svcb", 65: "https", 250: "tsig", 251: "ixfr", 252: "axfr", 255: "any", 257: "caa",
    ]

    /// The lower-case mnemonic; "unknown" for types without one here, so that what clients ask cannot make names up.
    package var description: String { Self.names[rawValue] ?? "unknown" }
}

/// How a request ended.
///
/// Source: RFC 1035, section 4.1.1; RFC 6891, section 9 for the one above 15, whose high bits stand in the OPT record.
package struct DNSResponseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let noError = DNSResponseCode(rawValue: 0)
    package static let formatError = DNSResponseCode(rawValue: 1)
    package static let serverFailure = DNSResponseCode(rawValue: 2)
    package static let nameError = DNSResponseCode(rawValue: 3)
    package static let notImplemented = DNSResponseCode(rawValue: 4)
    package static let refused = DNSResponseCode(rawValue: 5)
    package static let badVersion = DNSResponseCode(rawValue: 16)

    private static let names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]

    package var description: String {
        self == .badVersion ? "BADVERS" : rawValue < Self.names.count ? Self.names[Int(rawValue)] : "RCODE\(rawValue)"
    }
}
