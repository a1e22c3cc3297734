import Foundation
import Glibc
import MeshCA
import MeshCore
import Synchronization
import Testing

/// Serial numbers of certificates that left, in the order in which they came.
private final class Serials: Sendable {
    private let state = Mutex<[String]>([])
    var all: [String] { state.withLock { $0 } }

    /// - Returns: how many there are with this one.
    func add(_ serial: String) -> Int {
        state.withLock { state in
            state.append(serial)
            return state.count
        }
    }
}

/// What becomes of an authority whose processes are killed at any moment.
@Suite("An authority that is killed", .serialized)
struct AuthorityDeathTests {
    let world: AuthorityWorld
    init() throws { world = try AuthorityWorld() }

    func serve(_ options: String...) throws -> (program: Program, port: UInt16) {
        let program = Program(
            ["ca", "serve", "--dir", world.ca, "--callers", try world.callers(), "--listen", "127.0.0.1:0"] + options)
        return (program, try program.serve())
    }

    func client(_ port: UInt16) -> CertificateClient {
        let endpoint = CAEndpoint(host: "127.0.0.1", port: port, trust: .file("\(world.ca)/root-cert.pem"))
        return CertificateClient(endpoint: endpoint, tokenFile: "\(world.folder)/cart.token")
    }

    func records() throws -> String {
        let folder = "\(world.ca)/audit"
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".jsonl") }.sorted()
            .map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }.joined()
    }

    @Test("by SIGKILL under load, again and again, loses no key and no record of a certificate that left")
    func underLoad() async throws {
        let key = try world.read("ca/ca-key.pem")
        let identity = try SPIFFEID(parsing: AuthorityVerbTests.cart)
        let serials = Serials()
        for round in 0..<10 {
            let (program, port) = try serve()
            let client = client(port)
            let pid = program.process.processIdentifier
            let wanted = serials.all.count + 3 + round * 3
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        // Until the server is gone.
                        while let got = try? await client.issue(identity: identity, ttl: .zero, impersonate: false) {
                            let count = serials.add(got.serial)
                            if count == wanted { kill(pid, SIGKILL) }
                        }
                    }
                }
            }
            if program.process.isRunning { program.kill() }
            #expect(program.process.terminationReason == .uncaughtSignal, "\(program.log())")
            #expect(try world.read("ca/ca-key.pem") == key)
            let log = try records()
            for serial in serials.all { #expect(log.contains("\"serial\":\"\(serial)\""), "\(serial)") }
            #expect(try AuditVerification.run("\(world.ca)/audit").records >= serials.all.count)
        }
        let all = serials.all
        #expect(Set(all).count == all.count && all.count > 100)
        // The next start repairs what is torn, and says so.
        let (program, _) = try serve()
        program.process.terminate()
        program.process.waitUntilExit()
        #expect(program.process.terminationStatus == 0)
        #expect(try AuditVerification.run("\(world.ca)/audit").tornBytes == 0)
    }

    @Test("while it changes its files is the one before or the one after, never between")
    func inAChange() throws {
        let directory = AuthorityDirectory(world.ca)
        var outcomes: Set<String> = []
        // How long a command takes here, so that the moments of death lie all over it and behind it.
        let begun = ContinuousClock.now
        _ = try world.run("rotate", "--overlap", "1h")
        let longest = UInt32(max((ContinuousClock.now - begun) / .microseconds(1), 1) * 2)
        _ = try world.run("rotate", "--cancel")
        for round in 0..<40 {
            let before = try directory.read()
            let words =
                switch round % 4 {
                case 0: ["rotate", "--overlap", "1h"]
                case 2: ["revoke", String(round + 16, radix: 16)]
                default: ["rotate", "--advance"]
                }
            let program = Program(["ca"] + words + ["--dir", world.ca])
            try program.process.run()
            // No event marks the moment: the point is that it can be any.
            usleep(UInt32.random(in: 0..<longest))
            program.kill()
            let after = try directory.read()
            // A root that a round made begins later than the test did.
            let authority = try after.authority(
                trustDomain: nil, lifetimes: LifetimePolicy(), now: SystemWallClock().seconds)
            let rotation = try after.state().rotation
            #expect(authority.material.roots.count == (rotation == nil ? 1 : 2))
            #expect((after[.nextKey] != nil) == (rotation?.phase == .distributing))
            #expect((after[.previousKey] != nil) == (rotation?.phase == .retiring))
            outcomes.insert(after.texts == before.texts ? "before" : "after")
            _ = try AuditVerification.run("\(world.ca)/audit")
            // Whatever was left behind, the next one can go on.
            if round % 4 == 3 {
                while try directory.read().state().rotation != nil { _ = try world.run("rotate", "--advance") }
            }
        }
        #expect(outcomes == ["before", "after"])
        #expect(try world.run("issue", AuthorityVerbTests.cart, "--out", "\(world.folder)/cart").status == 0)
        #expect(try world.run("status").status == 0)
    }

    @Test("keeps a second server away while it lives, and not after its death")
    func second() throws {
        let (first, _) = try serve()
        let refused = try Program.run([
            "ca", "serve", "--dir", world.ca, "--callers", try world.callers(), "--listen", "127.0.0.1:0",
        ])
        #expect(refused.status == 69, "\(refused)")
        #expect(refused.errors.contains("process \(first.process.processIdentifier) already"), "\(refused)")
        #expect(try world.json("status")["server"] as? String == "\(first.process.processIdentifier)")
        first.kill()
        let (next, _) = try serve()
        next.process.terminate()
        next.process.waitUntilExit()
        #expect(next.process.terminationStatus == 0)
    }

    @Test("has let no private key and no token out, in logs, errors, the audit log or files that others can read")
    func secrets() async throws {
        let (program, port) = try serve()
        let identity = try SPIFFEID(parsing: AuthorityVerbTests.cart)
        _ = try await client(port).issue(identity: identity, ttl: .zero, impersonate: false)
        let other = try SPIFFEID(parsing: "spiffe://cluster.local/ns/shop/sa/other")
        _ = try? await client(port).issue(identity: other, ttl: .zero, impersonate: true)
        var said = ""
        for words in [
            ["rotate"], ["rotate", "--advance"], ["revoke", "07"], ["status"], ["bundle"], ["crl"],
            ["audit", "verify"],
            ["issue", AuthorityVerbTests.cart, "--out", "\(world.folder)/cart"], ["rotate"],
        ] {
            let ended = try world.run(words)
            said += ended.output + ended.errors
        }
        var secrets = ["cart-secret-token"]
        for name in ["ca-key.pem", "previous-key.pem", "next-key.pem"]
        where FileManager.default.fileExists(atPath: "\(world.ca)/\(name)") {
            secrets += try world.read("ca/\(name)").split(separator: "\n").filter { !$0.hasPrefix("-----") }.map(
                String.init)
        }
        secrets += try world.read("cart/key.pem").split(separator: "\n").filter { !$0.hasPrefix("-----") }.map(
            String.init)
        #expect(secrets.count > 6)
        // A key that cannot be read must not be quoted either.
        let bad = "\(world.folder)/bad"
        try FileManager.default.copyItem(atPath: world.ca, toPath: bad)
        let key = try world.read("ca/ca-key.pem")
        let damaged: [String] = [
            String(key.dropLast(40)), key.replacingOccurrences(of: "PRIVATE", with: "SECRET"),
            key + String(key.dropFirst(7)),
        ]
        for text in damaged {
            _ = try world.write("bad/ca-key.pem", text)
            let ended = try Program.run(["ca", "status", "--dir", bad])
            said += ended.output + ended.errors
        }
        program.process.terminate()
        program.process.waitUntilExit()
        said += program.log() + (try records())
        for secret in secrets { #expect(!said.contains(secret), "a secret is in what was said") }
        #expect(!said.contains("PRIVATE KEY"))
        for name in try FileManager.default.subpathsOfDirectory(atPath: world.folder) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(world.folder)/\(name)")
            guard attributes[.type] as? FileAttributeType == .typeRegular,
                let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0
            else { continue }
            let text = try world.read(name)
            #expect(!text.contains("PRIVATE"), "\(name)")
            for secret in secrets { #expect(!text.contains(secret), "\(name)") }
        }
    }
}
