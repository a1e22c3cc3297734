import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Slow readers")
    struct SlowReaders {
        static let count = 10_000
        static let bytes = 96 << 10
        /// MESHCTL_BUFFER_LIMIT of both proxies, far below what all those connections send.
        static let limit = 64 << 20
        /// What connections, streams and one turn of each of some 100 tunnels cost besides, in KiB.
        static let besides = 128 << 10

        @Test("10,000 applications that read nothing cost no more than the limit, and the others are served")
        func bounded() throws {
            let mesh = try Mesh()
            for pod in ["client", "server"] {
                // The kernels' buffers are kept small, so that what is sent waits in the proxies.
                try mesh.node(pod).exec(
                    "sysctl", "-qw", "net.ipv4.ip_local_port_range=2000 65000", "net.ipv4.tcp_rmem=4096 16384 16384",
                    "net.ipv4.tcp_wmem=4096 16384 16384")
            }
            let environment = ["MESHCTL_BUFFER_LIMIT": "\(Self.limit)"]
            let proxies = try ["client", "server"].map { try mesh.startZtunnel($0, environment: environment) }
            try mesh.redirect("client", "server")
            let target = "\(try mesh.node("server").v4)"
            let deaf = try mesh.node("server").spawn("python3", Peer.script, "deaf", "7000", "\(Self.bytes)")
            let honest = try mesh.node("server").spawn("python3", Peer.script, "serve", "7001")
            for application in [deaf, honest] { #expect(application.waitFor("listening"), "\(application.errors)") }
            let before = proxies.map(\.residentKiB)

            let pusher = try mesh.start("client", "push", target, "7000", "\(Self.count)", "\(Self.bytes)")
            #expect(pusher.waitFor("stuck", seconds: 120), "\(pusher.errors) \(pusher.output)")
            let grown = zip(proxies, before).map { ($0.peakKiB - $1) >> 10 }
            let steady = try mesh.start("client", "steady", target, "7001", "60")
            #expect(steady.waitFor("steady", seconds: 20), "\(steady.errors)")
            Thread.sleep(forTimeInterval: 3)
            steady.signal(SIGUSR1)
            steady.wait(seconds: 20)
            let served = try Peer.result(of: steady)
            #expect(served.failures == 0 && (served.count ?? 0) > 20, "\(served)")

            deaf.signal(SIGUSR1)
            pusher.wait(seconds: 120)
            let result = try Peer.result(of: pusher)
            print(
                "\(Self.count) slow readers: MiB more at most \(grown), others served \(served.count ?? 0) times, longest",
                "\(served.longest ?? -1) s, over after \(result.seconds ?? -1) s")
            let logs = proxies.map { $0.process.output.suffix(1500) + $0.process.errors.suffix(1500) }
            #expect(result.count == Self.count && result.failures == 0, "\(result) \(logs)")
            for mebi in grown { #expect(mebi < (Self.limit + Self.besides << 10) >> 20) }
            #expect(grown[1] >= (Self.limit / 2) >> 20, "the limit was not put to the test")
            for proxy in proxies { #expect(proxy.process.isRunning) }
        }
    }
}
