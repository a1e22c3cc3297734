import MeshControl
import MeshCore
import MeshState

extension Target {
    /// What a file of records reads, the store takes and finds again; what it refuses, it says where.
    static let localConfig = Target(
        name: "LocalConfig",
        seeds: [
            """
            workloads:
            - {uid: a, name: n, namespace: ns, workloadIps: [10.0.0.1, "::1"], protocol: HBONE, capacity: 7}
            - name: m
              namespace: ns
              hostname: h.example
              services: &s {ns/h.example: {80: 8080, "443": 8443}}
              locality: {region: r}
            - {name: o, namespace: ns, workloadIps: [10.0.0.1], services: *s, status: Unhealthy}
            """,
            """
            services:
            - {name: s, namespace: ns, hostname: h, vips: [/10.1.0.1], ports: {80: 81}}
            - {name: t, namespace: ns, hostname: i, cidrVips: [{network: "", cidr: 10.0.0.0/8}], canonical: true,
               endpoints: {a: {workloadUid: a, port: {80: 81}}}, subjectAltNames: ["spiffe://td/ns/a/sa/b"]}
            """,
            """
            policies:
            - {name: p, namespace: ns, scope: Namespace, action: Deny,
               rules: [[[{notPrincipals: [{Presence: []}], sourceIps: [10.0.0.0/8], destinationPorts: [80]}]]]}
            - {name: q, namespace: ns, scope: Global, action: Allow, rules: [[[{principals: [{Prefix: td/}]}]]]}
            """,
            """
            {"workloads": [{"name": "a", "namespace": "b", "workloadIps": ["1.2.3.4"], "waypoint":
            {"destination": "net/10.0.0.1", "hboneMtlsPort": 15008}}], "services": null, "policies": []}
            """,
        ],
        check: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            do throws(MeshFailure) {
                let config = try LocalConfig.parse(text, name: "f")
                return problem(config, config.store(localNode: "n").snapshot)
            } catch {
                let lines = error.reason.split(separator: "\n")
                let places = lines.count == 1 ? lines[...] : lines.dropFirst()
                let isPlaced = places.allSatisfy { $0.hasPrefix("f:") || $0.hasPrefix("and ") }
                return isPlaced && !places.isEmpty ? nil : "a problem without a place: \(error.reason)"
            }
        })
}

private func problem(_ config: LocalConfig, _ snapshot: MeshSnapshot) -> String? {
    guard snapshot.workloadCount == config.workloads.count, snapshot.serviceCount == config.services.count else {
        return "\(snapshot.workloadCount) workloads and \(snapshot.serviceCount) services are stored"
    }
    for workload in config.workloads {
        if snapshot.workload(uid: workload.uid) !== workload { return "\(workload.uid) is not found" }
        let backed = Set(snapshot.services(backedBy: workload.uid).map(\.key))
        for key in workload.fields.services.keys where !backed.contains(key) {
            if workload.fields.status == .healthy, snapshot.service(key) != nil {
                return "\(workload.uid) is not behind \(key)"
            }
        }
    }
    return nil
}
