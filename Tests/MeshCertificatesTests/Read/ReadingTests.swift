import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@testable import MeshCertificates

@Suite("Reading certificates")
struct ReadingTests {
    @Test("every field of a workload's certificate is read")
    func readsLeaf() throws {
        let chain = try Chain()
        let leaf = try chain.leaf.parsed
        #expect(leaf.version == 3)
        #expect(leaf.serialNumber == Array(chain.leaf.certificate.serialNumber.bytes))
        #expect(leaf.subject.isEmpty && leaf.subject.text.isEmpty)
        #expect(leaf.issuer.text == "O=intermediate")
        #expect(leaf.notBefore == noon - 3600)
        #expect(leaf.notAfter == noon + 23 * 3600)
        #expect(leaf.key.text == "EC P-256")
        #expect(leaf.signatureAlgorithm == "ECDSA with SHA-256")
        #expect(leaf.names.map(\.text) == ["spiffe://cluster.local/ns/shop/sa/cart"])
        #expect(leaf.names.compactMap(\.spiffeID).count == 1)
        #expect(leaf.extensions.namesAreCritical)
        #expect(leaf.extensions.keyUsage == ["digitalSignature", "keyEncipherment"])
        #expect(leaf.extensions.extendedKeyUsage == ["serverAuth", "clientAuth"])
        #expect(leaf.extensions.basicConstraints?.isAuthority == false)
        #expect(
            leaf.extensions.authorityKeyIdentifier == (try chain.intermediate.parsed.extensions.subjectKeyIdentifier))
        #expect(leaf.isWorkload && !leaf.isAuthority)
    }

    @Test("an authority's path length is read", arguments: [nil, 0, 1, 7])
    func readsPathLength(length: Int?) throws {
        let root = try Recipe.authority("cluster.local", pathLength: length).make().parsed
        #expect(root.extensions.basicConstraints?.pathLength == length)
        #expect(root.isAuthority && root.extensions.basicConstraints?.isCritical == true)
    }

    @Test(
        "times on both sides of 2050 and of leap days are read",
        arguments: [
            0, 951_782_400, 951_868_799, 2_524_607_999, 2_524_608_000, 4_102_444_800, 253_402_300_799,
        ] as [Int64])
    func readsTimes(seconds: Int64) throws {
        let made = try Recipe.leaf().with {
            $0.notAfter = seconds; $0.notBefore = 0
        }.make()
        #expect(try made.parsed.notAfter == seconds)
    }

    static let keys: [(String, [String], String, Int?)] = [
        ("P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC P-256", 256),
        ("P-521", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], "EC P-521", 521),
        ("brainpool", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"], "EC brainpoolP256r1", 256),
        ("RSA", ["-newkey", "rsa:3072"], "RSA 3072", 3072),
        ("Ed25519", ["-newkey", "ed25519"], "Ed25519", nil),
        ("Ed448", ["-newkey", "ed448"], "Ed448", nil),
    ]

    @Test("keys of every kind that openssl makes are named", arguments: keys)
    func readsKeys(name: String, flags: [String], text: String, bits: Int?) throws {
        let openssl = try OpenSSL()
        try openssl.selfSigned("a", key: flags, ["basicConstraints=critical,CA:TRUE"])
        let set = try #require(try CertificateBytes.read(openssl.bytes("a.pem"), file: "a.pem").first)
        let certificate = try #require(set.certificates.first)
        #expect(certificate.key.text == text)
        #expect(certificate.key.bits == bits)
        #expect(certificate.key.weakness == nil)
        let fingerprint = try openssl.run("x509", "-in", "a.pem", "-noout", "-fingerprint", "-sha256")
        let record = CertificateRecord(certificate, number: 1, places: [], role: .root, now: noon)
        #expect(fingerprint.lowercased().replacing(":", with: "").contains(record.sha256))
        let serial = try openssl.run("x509", "-in", "a.pem", "-noout", "-serial").lowercased()
        #expect(serial == "serial=\(record.serialNumber)\n")
    }

    @Test("extensions that openssl writes are read")
    func readsExtensions() throws {
        let openssl = try OpenSSL()
        try openssl.selfSigned(
            "a", key: ["-newkey", "rsa:2048"],
            [
                "basicConstraints=critical,CA:TRUE,pathlen:3", "keyUsage=critical,keyCertSign,cRLSign,decipherOnly",
                "extendedKeyUsage=serverAuth,1.2.3.4", "subjectKeyIdentifier=hash",
                "authorityKeyIdentifier=keyid:always",
                "subjectAltName=DNS:a.example,URI:https://b.example/x,IP:10.0.0.1,IP:2001:db8::1,email:c@d.example,"
                    + "otherName:1.2.3.5;UTF8:x",
                "authorityInfoAccess=OCSP;URI:http://ocsp.example,caIssuers;URI:http://ca.example/ca.der",
                "crlDistributionPoints=URI:http://crl.example/a.crl,URI:http://crl.example/b.crl",
                "nameConstraints=permitted;URI:.cluster.local,excluded;IP:10.1.0.0/255.255.0.0",
                "certificatePolicies=1.2.3.6", "1.2.3.7=critical,DER:0500",
            ])
        let certificate = try #require(
            try CertificateBytes.read(openssl.bytes("a.pem"), file: "a.pem").first?.certificates.first)
        let extensions = certificate.extensions
        #expect(extensions.problems.isEmpty)
        #expect(extensions.basicConstraints?.pathLength == 3)
        #expect(extensions.keyUsage == ["keyCertSign", "cRLSign", "decipherOnly"])
        #expect(extensions.extendedKeyUsage == ["serverAuth", "1.2.3.4"])
        #expect(extensions.subjectKeyIdentifier?.count == 20)
        #expect(extensions.subjectKeyIdentifier == extensions.authorityKeyIdentifier)
        #expect(certificate.names.map(\.kind) == [.dns, .uri, .ip, .ip, .email, .other])
        #expect(certificate.names[2].text == "10.0.0.1")
        #expect(certificate.names[3].text == "2001:db8::1")
        #expect(certificate.names[5].text == "1.2.3.5")
        #expect(!extensions.namesAreCritical)
        #expect(extensions.ocspResponders == ["http://ocsp.example"])
        #expect(extensions.issuerLocations == ["http://ca.example/ca.der"])
        #expect(extensions.revocationListLocations == ["http://crl.example/a.crl", "http://crl.example/b.crl"])
        #expect(extensions.nameLimits?.permitted.map(\.text) == [".cluster.local"])
        #expect(extensions.nameLimits?.excluded.map(\.text) == ["10.1.0.0/255.255.0.0"])
        #expect(extensions.others.map(\.name) == ["certificatePolicies", "1.2.3.7"])
        #expect(extensions.unknownCritical == ["1.2.3.7"])
    }

    @Test("names are read as openssl reads them")
    func readsNames() throws {
        let openssl = try OpenSSL()
        let subject = "/C=DE/O=a, b+c/OU=x\\/y/CN=Ünïcode"
        try openssl.selfSigned(
            "a", key: ["-newkey", "ed25519", "-utf8"], subject: subject, ["basicConstraints=CA:TRUE"])
        let certificate = try #require(
            try CertificateBytes.read(openssl.bytes("a.pem"), file: "a.pem").first?.certificates.first)
        let theirs = try openssl.run(
            "x509", "-in", "a.pem", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8")
        #expect(theirs == "subject=\(certificate.subject.text)\n")
        #expect(certificate.subject == certificate.issuer)
    }

    @Test("timestamps of a log are counted, and a list that ends early is told")
    func countsTimestamps() throws {
        func extensions(_ list: [UInt8]) throws -> CertificateExtensions {
            let bytes = [UInt8(list.count >> 8), UInt8(list.count & 255)] + list
            let value = [0x04, UInt8(bytes.count)] + bytes
            let made = try Recipe.leaf().with {
                $0.more = [
                    Certificate.Extension(
                        oid: [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], critical: false, value: value[...])
                ]
            }.make()
            return try made.parsed.extensions
        }
        #expect(try extensions([0, 2, 9, 9, 0, 1, 9]).timestampCount == 2)
        #expect(try extensions([0, 2, 9, 9, 0, 5, 9]).problems.count == 1)
    }

    @Test("an extension that stands twice, or is malformed, is told and the rest is read")
    func tellsBadExtensions() throws {
        let made = try Recipe.leaf().with {
            $0.more = [Certificate.Extension(oid: [2, 5, 29, 14], critical: false, value: [0x30, 0x05][...])]
        }.make().parsed
        #expect(made.extensions.problems.count == 1)
        #expect(made.extensions.keyUsage == ["digitalSignature", "keyEncipherment"])
    }

    @Test("no truncation of a certificate is taken for one, and none traps")
    func truncations() throws {
        let der = try Chain().leaf.der
        for count in 0..<der.count {
            #expect(throws: ReadingError.self) { try ParsedCertificate(der: der[..<count]) }
        }
        #expect(throws: ReadingError.self) { try ParsedCertificate(der: der + [0]) }
    }

    @Test("a flipped bit anywhere is refused or read, and never traps or changes the bytes")
    func flips() throws {
        let der = try Chain().leaf.der
        var read = 0
        for index in der.indices {
            for bit in 0..<8 {
                var bytes = der
                bytes[index] ^= 1 << UInt8(bit)
                guard let certificate = try? ParsedCertificate(der: bytes) else { continue }
                read += 1
                #expect(certificate.der == bytes)
                let record = CertificateRecord(certificate, number: 1, places: [], role: .leaf, now: noon)
                #expect(record.timeLeft.utf8.allSatisfy { $0 >= 0x20 })
            }
        }
        #expect(read > der.count)
    }

    @Test("bytes beyond the limit and deeply nested ones are refused")
    func limits() {
        #expect(throws: ReadingError.self) {
            try ParsedCertificate(der: [UInt8](repeating: 0x30, count: ParsedCertificate.sizeLimit + 1))
        }
        var nested: [UInt8] = [0x05, 0x00]
        for _ in 0..<200 {
            let count = nested.count
            nested =
                (count < 128 ? [0x30, UInt8(count)] : [0x30, 0x82, UInt8(count >> 8), UInt8(count & 255)]) + nested
        }
        #expect(throws: ReadingError.self) { try ParsedCertificate(der: nested) }
    }

    static let hidden: [(String, String)] = [
        ("a\u{1b}[31mb", "a\\u{1b}[31mb"), ("a\nb\r\t", "a\\u{a}b\\u{d}\\u{9}"), ("\u{202e}abc", "\\u{202e}abc"),
        ("a\\u{1b}", "a\\\\u{1b}"), ("\u{9b}31m", "\\u{9b}31m"), ("\u{7f}\u{0}", "\\u{7f}\\u{0}"), ("é✓", "é✓"),
        ("\u{200b}\u{feff}", "\\u{200b}\\u{feff}"),
    ]

    @Test("what a terminal would obey is escaped, wherever it stands", arguments: hidden)
    func escapes(raw: String, shown: String) throws {
        #expect(PrintableText.of(raw) == shown)
        let made = try Recipe.leaf().with {
            $0.subject = try DistinguishedName { CommonName(raw) }
        }.make().parsed
        #expect(made.subject.text == "CN=\(shown)")
    }

    @Test("a long name is cut")
    func cuts() {
        #expect(PrintableText.of(String(repeating: "a", count: 5000)).count == PrintableText.limit + 1)
    }
}
