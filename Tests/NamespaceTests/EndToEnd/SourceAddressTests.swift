import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("The address that an application sees")
    struct SourceAddress {
        /// `ENABLE_ORIG_SRC`, and whether applications then see their clients.
        static let settings: [(environment: [String: String], sees: Bool)] = [
            ([:], true), (["ENABLE_ORIG_SRC": "true"], true), (["ENABLE_ORIG_SRC": "false"], false),
        ]

        @Test("is its client's, in HBONE and plain TCP, over either family, unless that is off", arguments: settings)
        func seen(environment: [String: String], sees: Bool) throws {
            let mesh = try Mesh()
            try mesh.startZtunnel("client")
            let server = try mesh.startZtunnel("server", environment: environment)
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            for (caller, identity) in [("client", EndToEnd.clientID as String?), ("outsider", nil)] {
                let pairs = zip(try mesh.node(caller).addresses, try mesh.node("server").addresses)
                for (source, target) in pairs {
                    let result = try mesh.call(caller, "raw", "\(target)", "7000", #"who\n"#)
                    #expect(result.data == "\(sees ? source : target)", "\(result) \(server.log.suffix(2))")
                    let line = try server.awaitAccess("inbound") { $0["src.addr"]?.contains("\(source)") == true }
                    #expect(line["src.identity"] == identity)
                }
            }
        }

        @Test("leaves each application port as many connections of a client as there are ports")
        func ports() throws {
            let mesh = try Mesh()
            _ = try mesh.startPair()
            try mesh.serve("server", ports: "7000-7002")
            // Eight, of which a few may be under way to be used again.
            try mesh.node("server").exec("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40007")
            let result = try mesh.call("client", "tunnels", "\(try mesh.node("server").v4)", "7000-7002", "18")
            #expect(result.held == 18 && result.failures == 0, "\(result)")
        }
    }
}
