import Foundation
import MeshTestSupport
import Testing

/// A folder with an authority, and the commands on it.
final class AuthorityWorld: Sendable {
    private let files: TemporaryFolder
    var folder: String { files.path }
    var ca: String { files.file("ca") }

    init() throws {
        files = try TemporaryFolder()
        #expect(try run("init").status == 0)
    }

    /// `meshctl ca VERB… --dir` of the authority.
    func run(_ words: String...) throws -> Program.Ended { try run(words) }
    func run(_ words: [String]) throws -> Program.Ended { try Program.run(["ca"] + words + ["--dir", ca]) }

    func json(_ words: String...) throws -> [String: Any] {
        let ended = try run(words + ["--output", "json"])
        let object = try? JSONSerialization.jsonObject(with: Data(ended.output.utf8))
        return try #require(object as? [String: Any], "\(ended)")
    }

    func read(_ name: String) throws -> String { try files.read(name) }
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        try files.write(name, text, mode: mode)
    }

    func callers() throws -> String {
        _ = try write("cart.token", "cart-secret-token")
        return try write(
            "callers.yaml",
            """
            callers:
              - name: cart
                tokenFile: cart.token
                identities: [spiffe://cluster.local/ns/shop/sa/cart]
            """)
    }
}

@Suite("The verbs of meshctl ca")
struct AuthorityVerbTests {
    let world: AuthorityWorld
    static let cart = "spiffe://cluster.local/ns/shop/sa/cart"

    init() throws { world = try AuthorityWorld() }

    @Test("status is 0 while all is well and has keys that programs may rely on")
    func status() throws {
        let ended = try world.run("status")
        #expect(ended.status == 0, "\(ended)")
        #expect(ended.output.contains("all is well"))
        let status = try world.json("status")
        #expect(
            Set(status.keys).isSuperset(of: [
                "directory", "trustDomain", "aliases", "signer", "roots", "revoked", "audit", "problems",
            ]))
        #expect(status["trustDomain"] as? String == "cluster.local")
        #expect((status["problems"] as? [String])?.isEmpty == true)
        #expect(((status["audit"] as? [String: Any])?["records"] as? Int) == 1)
    }

    @Test("sign prints a chain that openssl verifies, whatever the request asks for")
    func sign() throws {
        let made = try openssl(
            "req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=evil",
            "-addext", "subjectAltName=DNS:*.evil.example", "-addext", "basicConstraints=CA:true", "-keyout",
            "\(world.folder)/key", "-out", "\(world.folder)/csr")
        #expect(made.status == 0, "\(made.output)")
        let ended = try world.run("sign", "\(world.folder)/csr", "--identity", Self.cart)
        #expect(ended.status == 0, "\(ended)")
        let chain = try world.write("chain", ended.output)
        #expect(try openssl("verify", "-x509_strict", "-CAfile", "\(world.ca)/root-cert.pem", chain).status == 0)
        let text = try openssl("x509", "-in", chain, "-noout", "-text").output
        #expect(text.contains("URI:\(Self.cart)") && !text.contains("evil.example") && !text.contains("CA:TRUE"))
    }

    @Test("revoke puts a certificate on the list, crl prints it, and openssl and cert-inspect refuse it")
    func revoke() throws {
        #expect(try world.run("crl").status == 66)
        #expect(try world.run("crl").errors.contains("meshctl ca crl --renew"))
        #expect(try world.run("issue", Self.cart, "--out", "\(world.folder)/cart").status == 0)
        let leaf = "\(world.folder)/cart/cert-chain.pem"
        let serial = try openssl("x509", "-in", leaf, "-noout", "-serial").output
            .trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: "serial=", with: "")
        let ended = try world.run("revoke", serial, "--reason", "keyCompromise")
        #expect(ended.status == 0, "\(ended)")
        let list = try world.write("list", try world.run("crl").output)
        let verified = try openssl(
            "verify", "-crl_check", "-CAfile", "\(world.ca)/root-cert.pem", "-CRLfile", list, leaf)
        #expect(verified.output.contains("certificate revoked"))
        let judge = ["cert-inspect", leaf, "--root", "\(world.ca)/root-cert.pem", "--verify"]
        #expect(try Program.run(judge).status == 0)
        let judged = try Program.run(judge + ["--crl", list])
        #expect(judged.status == 1 && judged.output.contains("[revoked]"), "\(judged)")
        #expect(try Program.run(judge + ["--crl", leaf]).status == 65)
        let lists = try #require(try world.json("crl")["lists"] as? [[String: Any]])
        let entries = try #require(lists.first?["revoked"] as? [[String: Any]])
        #expect(entries.first?["serial"] as? String == serial.lowercased())
        #expect(entries.first?["reason"] as? String == "keyCompromise")
        #expect(try world.json("status")["revoked"] as? Int == 1)
    }

    @Test(
        "revoke refuses what is no serial number, and does nothing of it",
        arguments: ["xyz", "+1", "", String(repeating: "ab", count: 21)])
    func noSerial(text: String) throws {
        let ended = try world.run("revoke", "01", text)
        #expect(ended.status == 64, "\(ended)")
        #expect(try world.run("crl").status == 66)
    }

    @Test("rotate goes through its stages, and bundle shows them")
    func rotate() throws {
        func roots() throws -> Int { try #require(try world.json("bundle")["roots"] as? [Any]).count }
        #expect(try world.run("bundle").output == world.read("ca/root-cert.pem"))
        #expect(try world.json("rotate")["phase"] as? String == "distributing")
        #expect(try roots() == 2)
        let again = try world.run("rotate")
        #expect(again.status == 64 && again.errors.contains("already"), "\(again)")
        #expect(try world.json("rotate", "--cancel")["step"] as? String == "cancelled")
        #expect(try roots() == 1)
        #expect(try world.json("rotate", "--overlap", "1h")["step"] as? String == "begun")
        #expect(try world.json("rotate", "--advance")["phase"] as? String == "retiring")
        #expect(try world.json("rotate", "--advance")["step"] as? String == "finished")
        #expect(try roots() == 1)
        #expect(try world.run("rotate", "--advance", "--cancel").status == 64)
        #expect(try world.run("issue", Self.cart, "--out", "\(world.folder)/cart").status == 0)
        let chain = "\(world.folder)/cart/cert-chain.pem"
        #expect(try openssl("verify", "-CAfile", "\(world.ca)/root-cert.pem", chain).status == 0)
    }

    @Test("audit verify is 0 for a whole log, and 1 with the first broken record for another")
    func audit() throws {
        for _ in 0..<3 {
            #expect(try world.run("issue", Self.cart, "--out", "\(world.folder)/cart").status == 0)
        }
        let whole = try world.json("audit", "verify")
        #expect(whole["whole"] as? Bool == true && whole["records"] as? Int == 4)
        let head = try #require(whole["head"] as? String)
        #expect(try world.run("audit", "verify", "--head", head).status == 0)
        #expect(try world.run("audit", "verify", "--head", "4:xyz").status == 64)
        let elsewhere = "4:" + String(repeating: "0", count: 64)
        #expect(try world.run("audit", "verify", "--head", elsewhere).status == 1)
        let name = "ca/audit/audit-00000000000000000001.jsonl"
        let text = try world.read(name)
        _ = try world.write(name, text.replacingOccurrences(of: "shop/sa/cart", with: "shop/sa/kart"))
        let broken = try world.run("audit", "verify")
        #expect(broken.status == 1 && broken.output.contains("record 2"), "\(broken)")
        #expect(try world.run("status").status == 1)
        // Nothing is added to a log that is broken.
        let refused = try world.run("issue", Self.cart, "--out", "\(world.folder)/x")
        #expect(refused.status == 65, "\(refused)")
        #expect(!FileManager.default.fileExists(atPath: "\(world.folder)/x"))
    }

    @Test(
        "each verb names the remedy where there is no authority",
        arguments: [
            ["status"], ["bundle"], ["crl"], ["rotate"], ["revoke", "01"], ["issue", cart, "--out", "/nonexistent/x"],
        ])
    func nowhere(words: [String]) throws {
        let ended = try Program.run(["ca"] + words + ["--dir", "\(world.folder)/nowhere"])
        #expect(ended.status == 66, "\(ended)")
        #expect(ended.errors.contains("meshctl ca init --dir"), "\(ended)")
        #expect(ended.errors.split(separator: "\n").count == 1, "\(ended)")
    }
}
