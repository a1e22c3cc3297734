import Foundation
import MeshCore
import MeshState
import MeshWire
import NIOCore
import Testing

@testable import MeshDNS

private enum Tools {
    static let unbound = path("unbound"), dig = path("dig")
    static let areThere = unbound != nil && dig != nil

    static func path(_ name: String) -> String? {
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

@Suite(
    "The DNS proxy between dig and unbound",
    .enabled(if: Tools.areThere, "needs unbound and dig: apt-get install unbound bind9-dnsutils"))
struct RealResolverTests {
    private static let zone = """
        server:
          interface: 127.0.0.1@PORT
          do-daemonize: no
          username: ""
          chroot: ""
          directory: "FOLDER"
          pidfile: ""
          use-syslog: no
          do-not-query-localhost: no
          module-config: "iterator"
          access-control: 127.0.0.0/8 allow
          local-zone: "example.test." static
          local-data: "www.example.test. 300 IN A 192.0.2.1"
          local-data: "www.example.test. 300 IN A 192.0.2.2"
          local-data: "www.example.test. 300 IN AAAA 2001:db8::1"
          local-data: "alias.example.test. 60 IN CNAME www.example.test."
          local-data: "example.test. 60 IN MX 10 mail.example.test."
          local-data: 'example.test. 60 IN TXT "TEXT" "TEXT" "TEXT" "TEXT" "TEXT" "TEXT"'
          local-data: "example.test. 60 IN SOA ns.example.test. root.example.test. 1 2 3 4 5"
        remote-control:
          control-enable: no
        """

    /// A resolver with the zone above, until `body` is done.
    private func withUnbound(_ body: (Address) async throws -> Void) async throws {
        let probe = try await TestUpstream.start { _, _ in [] }
        let address = probe.address
        await probe.stop()
        let folder = FileManager.default.temporaryDirectory.appending(path: "unbound-\(address.port)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "unbound.conf")
        try Self.zone.replacing("PORT", with: "\(address.port)").replacing("FOLDER", with: folder.path)
            .replacing("TEXT", with: String(repeating: "t", count: 200))
            .write(to: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: Tools.unbound ?? "")
        process.arguments = ["-d", "-c", file.path]
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        try await eventually(address)
        try await body(address)
    }

    /// Until the resolver answers over TCP, at most five seconds.
    private func eventually(_ address: Address) async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        while (try? await ask(query("www.example.test"), address, tcp: true)) == nil {
            guard ContinuousClock.now < deadline else { throw TimedOut() }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func dig(_ server: Address, _ words: String...) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: Tools.dig ?? "")
        process.arguments =
            ["@\(server.ip)", "-p", "\(server.port)", "+noall", "+answer", "+tries=1", "+time=4"] + words
        let pipe = Pipe()
        process.standardOutput = pipe
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in
                let data = (try? pipe.fileHandleForReading.readToEnd()) ?? Data()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }

    @Test("through the proxy everything is as unbound says it")
    func throughAndAround() async throws {
        try await withUnbound { (unbound) async throws in
            try await withProxy(upstream: [unbound]) { (server, address) async throws in
                let questions: [(String, DNSRecordType)] = [
                    ("www.example.test", .a), ("WWW.example.test", .aaaa), ("alias.example.test", .a),
                    ("nope.example.test", .a), ("example.test", DNSRecordType(rawValue: 15)),
                    ("example.test", DNSRecordType(rawValue: 6)), ("www.example.test", DNSRecordType(rawValue: 65)),
                    ("example.test", DNSRecordType(rawValue: 16)),
                ]
                for (name, type) in questions {
                    for (edns, tcp) in [(nil, false), (EDNS(payloadSize: 1232, wantsDNSSEC: true), false), (nil, true)]
                    {
                        let asked = query(name, type, edns: edns)
                        var around = try await ask(asked, unbound, tcp: tcp)
                        let through = try await ask(asked, address, tcp: tcp)
                        // AA is ours to clear; everything else is unbound's, but the order that it gives addresses in.
                        around[2] &= ~4
                        #expect(through.count == around.count, "\(name) \(type)")
                        #expect(through.prefix(12) == around.prefix(12))
                        #expect(
                            Set(try parse(through).answers) == Set(try parse(around).answers), "\(name) \(type)")
                    }
                }
                let resolved = await server.resolve("www.example.test", .v4).addresses.map(\.description)
                #expect(Set(resolved) == ["192.0.2.1", "192.0.2.2"])
            }
        }
    }

    @Test("dig reads our own answers, with EDNS and cookies, over UDP and TCP")
    func ownAnswers() async throws {
        try await withProxy { (_, address) async throws in
            let line = try await dig(address, "web.ns1.svc.cluster.local", "A")
            #expect(
                line.split(whereSeparator: \.isWhitespace) == [
                    "web.ns1.svc.cluster.local.", "30", "IN", "A", "9.9.9.9",
                ])
            let alias = try await dig(address, "+tcp", "www.example.com.cluster.local", "A")
            #expect(alias.contains("CNAME\twww.example.com.") && alias.contains("A\t2.2.2.2"))
            // Cut over UDP, so dig asks again over TCP.
            let many = try await dig(address, "many", "A", "+bufsize=512")
            #expect(many.split(separator: "\n").filter { $0.contains("\tA\t240.") }.count == 256)
        }
    }
}
