import Foundation
import MeshCore
import MeshWire
import NIOCore
import Testing

@testable import MeshDNS

@Suite("The DNS proxy under a flood")
struct FloodTests {
    private static func descriptorCount() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    @Test("10,000 questions with a dead upstream stay within bounds, and a name of the mesh is answered at once")
    func deadUpstream() async throws {
        let silent = try await TestUpstream.start { _, _ in [] }
        var conf = ResolvConf()
        conf.servers = [silent.address]
        let upstream = DNSSettings.Upstream.fixed(conf)
        try await withProxy({ $0.upstream = upstream }) { (server, address) async throws in
            let descriptors = Self.descriptorCount()
            let flood = try await TestClient.connect(address)
            for id in 0..<10_000 {
                try await flood.send(ByteBuffer(bytes: query("x\(id).example", id: UInt16(id))))
            }
            let clock = ContinuousClock()
            let wait = try await clock.measure {
                // Over TCP: the kernel may drop any datagram of a flood.
                let answer = try parse(try await ask(query("web"), address, tcp: true))
                #expect(answer.answers.count == 1)
            }
            #expect(wait < .seconds(2))
            let outstanding = try await testLoop.submit { server.service.value?.outstanding }.get()
            // The first of them may have had their time already.
            let limit = DNSSettings().outstandingLimit
            #expect((limit / 2...limit).contains(outstanding ?? 0), "\(outstanding ?? 0) of \(limit)")
            // Other tests of this process have sockets too.
            #expect(Self.descriptorCount() - descriptors < DNSSettings().outstandingLimit + 300)
            #expect(server.metricsText().contains("istio_dns_upstream_failures_total"))
            flood.channel.close(promise: nil)
        }
        await silent.stop()
    }
}
