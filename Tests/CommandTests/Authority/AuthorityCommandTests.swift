import ArgumentParser
import Foundation
import MeshCore
import MeshTestSupport
import Testing

@testable import MeshCommands

@Suite("The ca commands")
final class AuthorityCommandTests {
    private let files: TemporaryFolder
    private var folder: String { files.path }

    init() throws { files = try TemporaryFolder() }

    func run(_ arguments: String...) async throws {
        var command = try Meshctl.parseAsRoot(["ca"] + arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    func names(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(directory)").sorted()
    }

    func read(_ file: String) throws -> String { try files.read(file) }

    @Test("make an authority once, and refuse the second time")
    func initialise() async throws {
        try await run("init", "--dir", "\(folder)/ca", "--trust-domain", "mesh.example", "--root-lifetime", "30d")
        let expected = ["audit", "authority.yaml", "ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"]
        #expect(try names("ca") == expected)
        let root = try read("ca/root-cert.pem")
        let failure = await #expect(throws: MeshFailure.self) { try await run("init", "--dir", "\(folder)/ca") }
        #expect(failure?.kind == .usage)
        #expect(try read("ca/root-cert.pem") == root)
    }

    @Test("issue certificates that openssl accepts, again and again")
    func issue() async throws {
        let id = "spiffe://cluster.local/ns/shop/sa/cart"
        try await run("init", "--dir", "\(folder)/ca")
        for _ in 0..<2 {
            try await run("issue", "--dir", "\(folder)/ca", id, "--out", "\(folder)/cart", "--ttl", "1h30m")
        }
        #expect(try names("cart") == ["cert-chain.pem", "key.pem", "root-cert.pem"])
        let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/cart/key.pem")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let (chain, root) = ("\(folder)/cart/cert-chain.pem", "\(folder)/cart/root-cert.pem")
        #expect(try openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, chain).status == 0)
        let key = try openssl("pkey", "-in", "\(folder)/cart/key.pem", "-pubout").output
        #expect(try openssl("x509", "-in", chain, "-noout", "-pubkey").output == key)
        #expect(try openssl("x509", "-in", chain, "-noout", "-text").output.contains("URI:\(id)"))
    }

    @Test("issue for a given request, without a key")
    func issueForRequest() async throws {
        try await run("init", "--dir", "\(folder)/ca")
        let made = try openssl(
            "req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/O=", "-keyout", "\(folder)/key", "-out",
            "\(folder)/csr")
        #expect(made.status == 0)
        let id = "spiffe://cluster.local/ns/shop/sa/cart"
        try await run("issue", "--dir", "\(folder)/ca", id, "--out", "\(folder)/out", "--csr", "\(folder)/csr")
        #expect(try names("out") == ["cert-chain.pem", "root-cert.pem"])
        let key = try openssl("pkey", "-in", "\(folder)/key", "-pubout").output
        #expect(try openssl("x509", "-in", "\(folder)/out/cert-chain.pem", "-noout", "-pubkey").output == key)
    }

    @Test(
        "refuse to issue, each with its status and without a file",
        arguments: [
            ("spiffe://other/ns/shop/sa/cart", "ca", MeshFailure.Kind.usage), ("cart", "ca", .usage),
            ("spiffe://cluster.local/ns/shop/sa/cart", "nowhere", .notFound),
        ])
    func refuse(identity: String, directory: String, kind: MeshFailure.Kind) async throws {
        try await run("init", "--dir", "\(folder)/ca")
        let failure = await #expect(throws: MeshFailure.self) {
            try await run("issue", "--dir", "\(folder)/\(directory)", identity, "--out", "\(folder)/out")
        }
        #expect(failure?.kind == kind)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
    }

    @Test(
        "refuse to serve what is not in order",
        arguments: [
            (["--listen", "localhost:1"], "localhost:1"),
            (["--default-ttl", "2d", "--max-ttl", "1d"], "longest lifetime"),
            (["--server-name", "a b"], "a b"), (["--callers", "/nonexistent"], "/nonexistent"),
        ])
    func refuseToServe(arguments: [String], reason: String) async throws {
        try await run("init", "--dir", "\(folder)/ca")
        try "callers: []".write(toFile: "\(folder)/callers.yaml", atomically: true, encoding: .utf8)
        let base = [
            "ca", "serve", "--dir", "\(folder)/ca", "--callers", "\(folder)/callers.yaml", "--listen", "127.0.0.1:0",
        ]
        let command = try Meshctl.parseAsRoot(base + arguments)
        let serve = try #require(command as? AuthorityServe)
        let failure = await #expect(throws: MeshFailure.self) { try await serve.run() }
        #expect(failure?.kind == .usage)
        #expect(failure.map { "\($0)" }?.contains(reason) == true, "\(String(describing: failure))")
    }

    @Test("serve until SIGTERM, saying where, and read callers again on SIGHUP")
    func serve() async throws {
        try await run("init", "--dir", "\(folder)/ca")
        try "callers: []".write(toFile: "\(folder)/callers.yaml", atomically: true, encoding: .utf8)
        let process = Process()
        // The program lies beside the tests that were built with it.
        let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        process.executableURL = products.appendingPathComponent("meshctl")
        process.arguments = [
            "ca", "serve", "--dir", "\(folder)/ca", "--callers", "\(folder)/callers.yaml", "--listen", "127.0.0.1:0",
        ]
        let (output, messages) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = messages
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        #expect(line.hasPrefix("listening on 127.0.0.1:"))
        kill(process.processIdentifier, SIGHUP)
        var log = ""
        while !log.contains("callers reloaded") {
            let more = messages.fileHandleForReading.availableData
            if more.isEmpty { break }
            log += String(decoding: more, as: UTF8.self)
        }
        #expect(log.contains("callers reloaded"))
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 0)
    }
}

@Suite("A lifetime on the command line")
struct LifetimeArgumentTests {
    @Test(
        "is read",
        arguments: [
            ("90d", 7_776_000), ("24h", 86400), ("1h30m", 5400), ("1d1h1m1s", 90061), ("45s", 45),
        ])
    func read(text: String, seconds: Int64) { #expect(LifetimeArgument(argument: text)?.seconds == seconds) }

    @Test(
        "is refused",
        arguments: [
            "", "0s", "5", "h", "-1h", "+1h", "1.5h", "1h ", "30m1h", "1h1h", "9223372036854775807d",
            "9223372036854775807s1s",
            "1w", "１h",
        ])
    func refused(text: String) { #expect(LifetimeArgument(argument: text) == nil) }

    @Test(
        "is shown as people write it",
        arguments: [
            (86400, "24h"), (7_776_000, "90d"), (5400, "90m"), (45, "45s"), (172_800, "2d"), (61, "61s"),
        ] as [(Int64, String)])
    func shown(seconds: Int64, text: String) {
        #expect(LifetimeArgument(seconds: seconds).defaultValueDescription == text)
    }
}
