import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("A large configuration that changes while the proxy runs")
    struct LargeReload {
        static let workloads = 100_000
        static let services = 10_000
        static let times = 4

        /// Adds records as a cluster has them: ten pods behind a service. No record of one version is in another one.
        private func addRecords(version: Int, to document: inout MeshDocument) {
            document.workloads.append(
                (0..<Self.workloads).map { number in
                    let service = number * 7919 % Self.services
                    return """
                          - uid: cluster1//Pod/shop/pod-\(number)
                            name: pod-\(number)
                            namespace: shop
                            serviceAccount: app-\(service)
                            workloadIps: [10.\(64 + (number >> 16)).\(number >> 8 & 255).\(number & 255)]
                            protocol: HBONE
                            canonicalName: app-\(service)
                            canonicalRevision: v\(version)
                            node: node-\(number % 2000)
                            clusterId: cluster1
                            services: {shop/app-\(service).shop.svc.cluster.local: {80: 8080}}
                        """
                }.joined(separator: "\n"))
            document.services.append(
                (0..<Self.services).map { number in
                    """
                      - name: app-\(number)
                        namespace: shop
                        hostname: app-\(number).shop.svc.cluster.local
                        vips: [/10.32.\(number >> 8).\(number & 255)]
                        ports: {80: 8080, \(9000 + version): 8080}
                    """
                }.joined(separator: "\n"))
        }

        @Test("Requests are served while 110,000 records are all replaced, and those that are replaced are freed")
        func everyRecord() throws {
            let mesh = try Mesh()
            let pods = mesh.document
            func document(version: Int) -> MeshDocument {
                var document = pods
                addRecords(version: version, to: &document)
                return document
            }
            let quiet = ["--log-level", "access=error,info"]
            let server = try mesh.startZtunnel("server", options: quiet)
            mesh.document = document(version: 0)
            let client = try mesh.startZtunnel("client", options: quiet, readyWithin: 60)
            try mesh.redirect("client", "server")
            try mesh.serve("server", ports: "7000-7001")
            let target = "\(try mesh.node("server").v4)"
            let streams = try [7000, 7001].map { try mesh.start("client", "steady", target, "\($0)", "600") }
            for stream in streams { #expect(stream.waitFor("steady"), "\(stream.errors)") }
            let first = client.allocatedKiB

            for version in 1...Self.times {
                let text = document(version: version).yaml
                let before = try client.metric("istio_tcp_connections_opened_total", "reporter=\"source\"")
                try mesh.write(text, to: "mesh-client.yaml")
                _ = try eventually("version \(version) to be taken", within: 120) {
                    client.log.count { $0["message"] == "local configuration changed" } == version ? true : nil
                }
                let served = try client.metric("istio_tcp_connections_opened_total", "reporter=\"source\"") - before
                print("reload \(version): \(served) connections; \(client.allocatedKiB) KiB, \(first) at first")
                #expect(served >= 10)
            }

            for stream in streams {
                stream.signal(SIGUSR1)
                stream.wait()
                let result = try Peer.result(of: stream)
                print("steady: \(result.count ?? 0) rounds, longest \(result.longest ?? -1) s")
                #expect(result.failures == 0, "\(result.first ?? [])")
            }
            let status = try client.node.outcome([Meshctl.path, "ztunnel", "status", "--output", "json"]).output
            #expect(status.contains("\"workloads\" : \(Self.workloads + 2)"), "\(status)")
            // One version that stays behind would double it.
            _ = try eventually("replaced records to be freed: \(client.allocatedKiB) KiB, \(first) at first") {
                client.allocatedKiB < first * 7 / 4 ? true : nil
            }
            #expect(server.process.isRunning && client.process.isRunning)
        }
    }
}
