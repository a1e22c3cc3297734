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
    }
}
