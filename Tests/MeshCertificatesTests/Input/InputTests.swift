import Foundation
import Testing
import X509

@testable import MeshCertificates

@Suite("Forms that certificates come in")
struct InputTests {
    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    @Test("a bundle is read in its order, with text between, CRLF and indents")
    func readsBundle() throws {
        let chain = try Chain()
        let text =
            try "leaf:\n\(chain.leaf.pem)\n# next\n\(chain.intermediate.pem.replacing("\n", with: "\r\n"))"
            + chain.root.pem.split(separator: "\n").map { "  \($0) " }.joined(separator: "\n")
        let sets = try CertificateBytes.read(Array(text.utf8), file: "a/chain.pem")
        #expect(sets.count == 1)
        #expect(try sets[0].certificates == [chain.leaf.parsed, chain.intermediate.parsed, chain.root.parsed])
        #expect(sets[0].parts[0].problems.isEmpty)
    }

    @Test(
        "text that begins as DER does is text, and a manifest's name does not make one", arguments: ["a.pem", "a.yaml"])
    func readsLead(file: String) throws {
        let leaf = try Chain().leaf
        let text = try "0 s:\n   i:O = x\n\(leaf.pem)"
        #expect(try CertificateBytes.read(Array(text.utf8), file: file)[0].certificates == [leaf.parsed])
    }

    @Test("DER is read")
    func readsDER() throws {
        let leaf = try Chain().leaf
        #expect(try CertificateBytes.read(leaf.der, file: "a.der")[0].certificates == [leaf.parsed])
    }

    @Test("keys are recognised and compared, and nothing of them is kept in a description")
    func readsKeys() throws {
        let openssl = try OpenSSL()
        try openssl.selfSigned("a", key: ["-newkey", "rsa:2048"], ["basicConstraints=CA:TRUE"])
        try openssl.run("rsa", "-in", "a.key", "-traditional", "-out", "pkcs1.key")
        try openssl.run("pkcs8", "-topk8", "-in", "a.key", "-passout", "pass:x", "-out", "pkcs8.key")
        try openssl.run("rsa", "-in", "a.key", "-traditional", "-aes128", "-passout", "pass:x", "-out", "old.key")
        let certificate = try #require(
            try CertificateBytes.read(openssl.bytes("a.pem"), file: "a.pem").first?.certificates.first)
        for name in ["a.key", "pkcs1.key", "pkcs8.key", "old.key"] {
            let key = try #require(
                try CertificateBytes.read(openssl.bytes(name), file: name).first?.parts.first?.keys.first)
            let isOpen = name == "a.key" || name == "pkcs1.key"
            #expect(key.isReadable == isOpen && key.isEncrypted == !isOpen)
            #expect(key.owner(among: [certificate]) == (isOpen ? certificate : nil))
            var shown = ""
            dump(key, to: &shown)
            #expect(key.kind == (isOpen ? "RSA 2048" : "encrypted key"))
            let secret = try openssl.text(name).split(separator: "\n")[3].prefix(20)
            #expect(!shown.contains(secret) && !"\(key)".contains(secret) && !String(reflecting: key).contains(secret))
        }
    }

    @Test("Secrets, ConfigMaps and lists are read, in YAML and JSON")
    func readsObjects() throws {
        let chain = try Chain()
        let (leaf, root, key) = (try chain.leaf.pem + chain.intermediate.pem, try chain.root.pem, try chain.leaf.keyPEM)
        let secret = """
            apiVersion: v1
            kind: Secret
            metadata: {name: cart, namespace: shop}
            data:
              tls.crt: \(base64(leaf))
              tls.key: \(base64(key))
              ca.crt: \(base64(root))
              other: \(base64("hello"))
            ---
            kind: ConfigMap
            metadata: {name: istio-ca-root-cert, namespace: shop}
            data:
              root-cert.pem: |
            \(root.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            """
        let sets = try CertificateBytes.read(Array(secret.utf8), file: "x.yaml")
        #expect(sets.map(\.name) == ["Secret shop/cart", "ConfigMap shop/istio-ca-root-cert"])
        #expect(sets[0].parts.map(\.name) == ["tls.crt", "tls.key", "ca.crt"])
        #expect(sets[0].parts.map(\.purpose) == [.chain, .chain, .trustBundle])
        #expect(sets[0].parts.map(\.certificates.count) == [2, 0, 1])
        #expect(sets[0].parts[1].keys.count == 1)
        #expect(try sets[1].certificates == [chain.root.parsed])

        let json: [String: Any] = [
            "kind": "List",
            "items": [
                ["kind": "Secret", "metadata": ["name": "a"], "data": ["ca-cert.pem": base64(root)]],
                ["kind": "Secret", "metadata": ["name": "b"], "stringData": ["x.pem": leaf]],
                ["kind": "Pod", "metadata": ["name": "c"]],
            ],
        ]
        let text = try JSONSerialization.data(withJSONObject: json)
        let listed = try CertificateBytes.read(Array(text), file: "-")
        #expect(listed.map(\.name) == ["Secret a", "Secret b"])
        #expect(listed.map(\.certificates.count) == [1, 2])
    }

    @Test("a Secret with broken base64 is read as far as it goes, and told")
    func tellsBrokenSecret() throws {
        let text =
            "kind: Secret\nmetadata: {name: a}\ndata: {tls.crt: '%%%', ca.crt: \(base64(try Chain().root.pem))}\n"
        let set = try #require(try CertificateBytes.read(Array(text.utf8), file: "a.yaml").first)
        #expect(set.certificates.count == 1)
        #expect(set.parts.flatMap(\.problems).count == 1)
    }

    @Test("the certificates of a config dump are read")
    func readsDump() throws {
        let chain = try Chain()
        func entry(_ made: Made) throws -> [String: Any] { ["pem": base64(try made.pem), "serialNumber": "1"] }
        let dump: [String: Any] = [
            "workloads": [],
            "certificates": [
                [
                    "identity": "spiffe://cluster.local/ns/shop/sa/cart", "state": "Available",
                    "certChain": [try entry(chain.leaf), try entry(chain.intermediate)],
                    "rootCerts": [try entry(chain.root)],
                ],
                [
                    "identity": "spiffe://cluster.local/ns/shop/sa/web", "state": "Initializing", "certChain": [],
                    "rootCerts": [],
                ],
            ],
        ]
        let sets = try CertificateBytes.read(Array(try JSONSerialization.data(withJSONObject: dump)), file: "dump.json")
        #expect(sets.map(\.name) == ["identity spiffe://cluster.local/ns/shop/sa/cart"])
        #expect(sets[0].parts.map(\.name) == ["certChain", "rootCerts"])
        #expect(sets[0].parts.map(\.purpose) == [.chain, .trustBundle])
        #expect(sets[0].certificates.count == 3)
    }

    static let refused: [(String, String)] = [
        ("a.pem", ""), ("a.pem", " \n\n"), ("a.txt", "hello\n"), ("a.yaml", "kind: Pod\n"), ("a.yaml", "a: [\n"),
        ("a.json", "{}"), ("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("a.pem", "-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n"),
        ("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"),
        ("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("a.pem", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
        ("a.pem", "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"), ("a.p12", "0\u{3}\u{2}\u{1}\u{3}"),
    ]

    @Test("what holds nothing is refused with a reason of one line", arguments: refused)
    func refuses(file: String, text: String) {
        let error = #expect(throws: ReadingError.self) { try CertificateBytes.read(Array(text.utf8), file: file) }
        #expect(error?.description.contains("\n") == false)
    }

    @Test("what follows a broken block is read")
    func readsOn() throws {
        let root = try Chain().root
        let text = try
            "-----BEGIN CERTIFICATE-----\nAAAA\n\(root.pem)-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n"
        let part = try CertificateBytes.read(Array(text.utf8), file: "a.pem")[0].parts[0]
        #expect(part.certificates == [try root.parsed])
        #expect(part.problems.count == 2)
        #expect(part.revocationLists.isEmpty)
    }

    @Test("every truncation of a bundle gives the certificates before it, and never a broken one")
    func truncations() throws {
        let chain = try Chain()
        let bytes = Array(try (chain.leaf.pem + chain.root.pem).utf8)
        let whole = try [chain.leaf.parsed, chain.root.parsed]
        for count in stride(from: 0, through: bytes.count, by: 7) {
            let found = (try? CertificateBytes.read(Array(bytes[..<count]), file: "a.pem"))?[0].certificates ?? []
            #expect(found == Array(whole.prefix(found.count)))
        }
    }

    @Test("more blocks than the limit are cut off, and told")
    func limit() throws {
        let text = String(repeating: try Chain().root.pem, count: PEMBlock.countLimit + 5)
        let part = try CertificateBytes.read(Array(text.utf8), file: "a.pem")[0].parts[0]
        #expect(part.certificates.count == PEMBlock.countLimit)
        #expect(part.problems.count == 1)
    }

    @Test("base64 is read strictly", arguments: ["A", "AA", "AA=", "AB==", "AA===", "====", "A=A=", "AA==AA=="])
    func base64Refuses(text: String) { #expect(Base64.decode(text.utf8) == nil) }

    @Test("base64 comes back as it was")
    func base64RoundTrip() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == Data(bytes).base64EncodedString())
        }
    }
}
