import MeshTestSupport

/// The YAML that the ztunnels of one test share.
struct MeshDocument {
    var workloads: [String] = []
    var services: [String] = []
    var policies: [String] = []

    /// - Parameter services: service as `namespace/hostname` to its port and target port.
    mutating func addWorkload(
        _ node: NamespaceNode, trustDomain: String = "cluster.local", protocolName: String = "HBONE",
        services: [String: (port: Int, target: Int)] = [:]
    ) {
        let offered = services.map { "\"\($0.key)\": {\($0.value.port): \($0.value.target)}" }
        workloads.append(
            """
              - uid: test//Pod/default/\(node.name)
                name: \(node.name)
                namespace: default
                serviceAccount: \(node.name)
                trustDomain: \(trustDomain)
                workloadIps: ["\(node.v4)", "\(node.v6)"]
                protocol: \(protocolName)
                services: {\(offered.joined(separator: ", "))}
            """)
    }

    mutating func addService(_ name: String, addresses: [String], port: Int, target: Int) {
        services.append(
            """
              - name: \(name)
                namespace: default
                hostname: \(name).default.svc.cluster.local
                vips: [\(addresses.map { "\"/\($0)\"" }.joined(separator: ", "))]
                ports: {\(port): \(target)}
            """)
    }

    /// A policy of the whole namespace about one principal, such as `cluster.local/ns/default/sa/client`.
    mutating func addPolicy(_ name: String, action: String, principal: String) {
        policies.append(
            """
              - name: \(name)
                namespace: default
                scope: Namespace
                action: \(action)
                rules: [[[{principals: [{Exact: "\(principal)"}]}]]]
            """)
    }

    var yaml: String {
        [("workloads", workloads), ("services", services), ("policies", policies)]
            .map { key, items in items.isEmpty ? "\(key): []" : "\(key):\n" + items.joined(separator: "\n") }
            .joined(separator: "\n") + "\n"
    }
}
