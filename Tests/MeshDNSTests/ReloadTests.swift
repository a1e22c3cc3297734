import Foundation
import Logging
import MeshCore
import MeshWire
import NIOCore
import Synchronization
import Testing

@testable import MeshDNS

@Suite("What the DNS proxy reads and tells")
struct ReloadTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug
        let lines: Lines
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.all.withLock { $0.append("\(event.level) \(event.message) \(facts.joined(separator: " "))") }
        }
    }

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dns-\(UInt64.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("a changed resolv.conf is in force at the next question; one that would loop, or is gone, is not")
    func reload() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "resolv.conf")
        func write(_ text: String) throws { try text.write(to: file, atomically: true, encoding: .utf8) }
        try write("nameserver 192.0.2.1\nsearch a.example\n")
        let lines = Lines()
        let source = try await testLoop.submit {
            var settings = DNSSettings()
            settings.upstream = .file(file.path)
            settings.reloadInterval = .seconds(2)
            let source = ResolverSource(
                settings, logger: Logger(label: "dns") { _ in Handler(lines: lines) }, now: .uptimeNanoseconds(0))
            source.listeners = [Address(.loopbackV4, 53)]
            return NIOLoopBound(source, eventLoop: testLoop)
        }.get()
        func look(_ seconds: UInt64) async throws -> ([String], Bool) {
            try await testLoop.submit {
                let changed = source.value.refresh(now: .uptimeNanoseconds(seconds * 1_000_000_000))
                return (source.value.current.servers.map(\.description), changed)
            }.get()
        }
        try write("nameserver 192.0.2.2\nsearch b.example\n")
        #expect(try await look(1) == (["192.0.2.1:53"], false))
        #expect(try await look(2) == (["192.0.2.2:53"], true))
        #expect(try await look(4) == (["192.0.2.2:53"], false))
        try write("nameserver 127.0.0.1\n")
        #expect(try await look(6) == (["192.0.2.2:53"], false))
        #expect(lines.all.withLock { $0 }.contains { $0.contains("nameserver 127.0.0.1:53 is this proxy itself") })
        try FileManager.default.removeItem(at: file)
        #expect(try await look(8) == (["192.0.2.2:53"], false))
    }

    @Test("search domains of resolv.conf follow its changes")
    func searchDomains() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "resolv.conf")
        try "search corp.example\n".write(to: file, atomically: true, encoding: .utf8)
        try await withProxy({
            $0.upstream = .file(file.path)
            $0.searchDomains = .resolver
            $0.reloadInterval = .zero
        }) { (_, address) async throws in
            let name = query("www.example.com.corp.example")
            #expect(try parse(try await ask(name, address)).answers.count == 2)
            try "search other.example\n".write(to: file, atomically: true, encoding: .utf8)
            #expect(try parse(try await ask(name, address)).header.code == .serverFailure)
        }
    }

    @Test("each decision is told at debug with its reason")
    func reasons() async throws {
        let lines = Lines()
        try await withProxy(logger: Logger(label: "dns") { _ in Handler(lines: lines) }) { (_, address) async throws in
            _ = try await ask(query("web"), address)
            _ = try await ask(query("a.example"), address)
        }
        let told = lines.all.withLock { $0 }.filter { $0.hasPrefix("debug") }
        #expect(
            told == [
                "debug answered dns.code=NOERROR dns.name=web dns.transport=udp dns.type=a"
                    + " reason=service ns1/web.ns1.svc.cluster.local",
                "debug forwarded dns.code=SERVFAIL dns.name=a.example dns.transport=udp dns.type=a"
                    + " reason=no service that this client sees has this name; there is no upstream server in the settings",
            ])
    }
}
