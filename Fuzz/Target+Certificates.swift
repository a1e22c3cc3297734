import MeshCertificates

/// What reads certificates of strangers.
extension Target {
    static let certificates = [
        Target(
            name: "Certificate", seeds: [], byteSeeds: certificateSeeds,
            check: { bytes in
                guard let read = try? ParsedCertificate(der: bytes) else { return nil }
                if read.der != bytes { return "other bytes" }
                if (try? ParsedCertificate(der: bytes + [0])) != nil { return "accepted with more behind it" }
                if !isPrintable(read.label) { return "\(read.label.debugDescription) reaches a terminal" }
                let blocks = PEMBlock.all(in: Array(read.pem.utf8)).blocks
                guard blocks.count == 1, case .success(let again) = blocks[0].content else {
                    return "PEM is not read back"
                }
                return again == bytes ? nil : "PEM is read back as something else"
            }),
        Target(
            name: "RevocationList", seeds: [], byteSeeds: revocationListSeeds,
            check: { bytes in
                guard let read = try? ParsedRevocationList(der: bytes) else { return nil }
                if read.der != bytes { return "other bytes" }
                if (try? ParsedRevocationList(der: bytes + [0])) != nil { return "accepted with more behind it" }
                if (try? ParsedCertificate(der: bytes)) != nil { return "a certificate too" }
                return isPrintable(read.label) ? nil : "\(read.label.debugDescription) reaches a terminal"
            }),
        Target(
            name: "PEM",
            seeds: [
                certificateText, certificateText + "\n" + certificateText,
                "-----BEGIN A-----\r\nAA==\r\n-----END A-----",
            ],
            check: { bytes in
                let (blocks, isCut) = PEMBlock.all(in: bytes)
                if blocks.count > PEMBlock.countLimit || isCut && blocks.count < PEMBlock.countLimit { return "limit" }
                var total = 0
                for block in blocks {
                    if !isPrintable(block.label) { return "\(block.label.debugDescription) reaches a terminal" }
                    if case .success(let content) = block.content { total += content.count }
                    if !block.text.starts(with: "-".utf8) && !block.text.starts(with: " ".utf8)
                        && !block.text.starts(with: "\t".utf8)
                    {
                        return "a block begins elsewhere"
                    }
                }
                return total <= bytes.count ? nil : "\(total) bytes out of \(bytes.count)"
            }),
        Target(
            name: "PrintableText", seeds: ["\u{1b}[31m\u{202e}a\\b\u{9b}\u{feff}", "O=a,CN=\u{0}", "é\u{ad}\u{200b}"],
            check: { bytes in
                let shown = PrintableText.of(String(decoding: bytes, as: UTF8.self))
                return isPrintable(shown) ? nil : "\(shown.debugDescription) reaches a terminal"
            }),
    ]

    private static let certificateText = [
        "-----BEGIN CERTIFICATE-----",
        "MIIB8TCCAZegAwIBAgIUQPAj1+CjwYkt1iRBuX9WYrrBUWYwCgYIKoZIzj0EAwIw",
        "GDEWMBQGA1UECgwNY2x1c3Rlci5sb2NhbDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw",
        "MDEwMTAwMDAwMFowADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDRE73feVXyd",
        "zbVldKn6fC28AMvbVZF9wcvjjtBOhWmW9htortHKH0cPh3/M4Cu4+9eaajVHdcE+",
        "6tlPyKHhW+ajgdQwgdEwUgYDVR0RAQH/BEgwRoYVaHR0cHM6Ly9leGFtcGxlLm9y",
        "Zy94hiZzcGlmZmU6Ly9jbHVzdGVyLmxvY2FsL25zL3dlYi9zYS9taXhlZIIFbWl4",
        "ZWQwDgYDVR0PAQH/BAQDAgeAMAwGA1UdEwEB/wQCMAAwHQYDVR0lBBYwFAYIKwYB",
        "BQUHAwEGCCsGAQUFBwMCMB0GA1UdDgQWBBTO/SZ86qDORiN6066miRz5NKP0DDAf",
        "BgNVHSMEGDAWgBRovGDWX76GqxucEjhSkBXBWw8JgzAKBggqhkjOPQQDAgNIADBF",
        "AiAKwDfwQgWjAoioABRqKupTHB+DLeGbcfzaEN08bCdHsgIhAKyUUOhcGFT3eQiw",
        "eZEzXzVVkZVKVYRLVlOxtpyc4fRo",
        "-----END CERTIFICATE-----",
    ].joined(separator: "\n")

    /// Two entries, one with its reason; by openssl.
    private static let revocationListText = [
        "-----BEGIN X509 CRL-----",
        "MIIBHTCBxAIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQKDA1jbHVzdGVyLmxvY2Fs",
        "Fw0yNjExMjUxMTAwMDBaFw0yNjEyMDIxMjAwMDBaMEkwEgIBCxcNMjYxMTI1MTE1",
        "OTAwWjAzAhQtwC/ZQfak8ULQIf8GKTm2a78afRcNMjYxMTI1MTE1OTAwWjAMMAoG",
        "A1UdFQQDCgEBoDAwLjAfBgNVHSMEGDAWgBQS7D37XJ12ztJgNxYf2aDoqL1C5DAL",
        "BgNVHRQEBAICASwwCgYIKoZIzj0EAwIDSAAwRQIgUvDP+04HHzVZ26m3dgqVMMhU",
        "B9++ApvvnJAC0wI4ygkCIQDHDGJU4XP0lY7t7WLBKtPeR1cVyl0hmZ5HoeO8YgIX",
        "7g==",
        "-----END X509 CRL-----",
    ].joined(separator: "\n")

    private static let revocationListSeeds = PEMBlock.all(in: Array(revocationListText.utf8)).blocks.compactMap {
        try? $0.content.get()
    }

    private static let certificateSeeds = PEMBlock.all(in: Array(certificateText.utf8)).blocks.compactMap {
        try? $0.content.get()
    }

    /// By ranges, where the code under test asks for Unicode properties.
    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: false
            default: true
            }
        }
    }
}
