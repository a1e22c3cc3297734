import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("A flood of questions for names")
    struct NameFlood {
        /// What it may cost at its peak, in KiB: 512 questions that wait, with a socket each.
        static let memory = 8 << 10
        static let descriptors = 512 + 32

        @Test("whose upstream is silent stays within bounds, and names of the mesh are answered meanwhile")
        func silentUpstream() throws {
            let mesh = try Mesh(pods: ["client"])
            let name = "web.default.svc.cluster.local"
            mesh.document.addService("web", addresses: ["10.96.0.10"], port: 80, target: 8080)
            let upstream = try mesh.node("upstream")
            let silent = try upstream.spawn([
                "python3", "-uc",
                """
                import socket, time
                taker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                taker.bind(("0.0.0.0", 53))
                print("listening")
                time.sleep(600)
                """,
            ])
            #expect(silent.waitFor("listening"), "\(silent.errors)")
            let conf = try mesh.write("nameserver \(upstream.v4)\n", to: "resolv.conf")
            let client = try mesh.startZtunnel(
                "client", options: ["--threads", "1"],
                wrapper: ["unshare", "--mount", "bash", "-c", #"mount --bind "$0" /etc/resolv.conf; exec "$@""#, conf])
            let applied = try Meshctl.run("redirect", "apply", "--dns", "--netns", mesh.node("client").netns)
            #expect(applied.status == 0, "\(applied.errors)")
            let (descriptors, memory) = (client.openDescriptors, client.allocatedKiB)

            let script = Meshctl.repository.appendingPathComponent("Tests/Tools/questions.py").path
            let flood = try mesh.node("client").spawn(["python3", script, "192.0.2.53", "10000", "3"])
            var most = 0, peak = 0, asked = 0
            while flood.isRunning {
                let answer = try mesh.node("client").outcome([
                    "dig", "+short", "+time=2", "+tries=4", "@192.0.2.53", name,
                ])
                #expect(answer.output == "10.96.0.10\n", "\(answer)")
                most = max(most, client.openDescriptors)
                peak = max(peak, client.allocatedKiB)
                asked += 1
            }
            print(
                flood.output, "questions:", asked, "descriptors: +\(most - descriptors)",
                "memory: +\(peak - memory) KiB")

            #expect(flood.wait() == 0, "\(flood.errors)")
            #expect(asked > 10)
            #expect(peak - memory < Self.memory)
            // All that may wait did: the flood was one.
            #expect((256...Self.descriptors).contains(most - descriptors), "\(most - descriptors) more")
            #expect(try client.metric("istio_dns_upstream_failures_total") > 1000)
            try client.awaitDescriptors(atMost: descriptors, within: 30)
        }
    }
}
