import MeshControl
import MeshCore
import MeshState
import Testing

@Suite("Local configuration")
struct LocalConfigTests {
    /// The lines of the failure, or none.
    private func problems(_ text: String) -> [String] {
        do {
            _ = try LocalConfig.parse(text, name: "mesh.yaml")
            return []
        } catch {
            let lines = error.reason.split(separator: "\n").map(String.init)
            return lines.count > 1 ? Array(lines.dropFirst()) : lines
        }
    }

    private static let full = """
        workloads:
        - uid: cluster1//Pod/default/local
          name: local
          namespace: default
          serviceAccount: acct
          trustDomain: td
          workloadIps: ["127.0.0.1", "::1"]
          network: net
          hostname: host.example
          protocol: HBONE
          networkMode: HostNetwork
          status: Unhealthy
          workloadName: w
          workloadType: pod
          canonicalName: app
          canonicalRevision: v1
          node: n1
          clusterId: c1
          nativeTunnel: true
          capacity: 7
          waypoint: {destination: net/10.0.0.1, hboneMtlsPort: 15008}
          networkGateway: {destination: ns/gw.example, hboneMtlsPort: 15009}
          applicationTunnel: {protocol: PROXY, port: 15088}
          authorizationPolicies: [default/p]
          locality: {region: r, zone: z, subzone: s}
          services:
            default/svc.example: {80: 8080, "443": 8443}
        services:
        - name: svc
          namespace: default
          hostname: svc.example
          vips: [/127.10.0.1, "net/127.10.0.2"]
          cidrVips: [{network: net, cidr: 10.1.0.0/16}]
          ports: {80: 8080}
          endpoints:
            some-uid: {workloadUid: some-uid, port: {80: 81}, status: Unhealthy}
          subjectAltNames: ["spiffe://td/ns/a/sa/b"]
          waypoint: {destination: ns/way, hboneMtlsPort: 15008}
          weightedWaypoints: [{destination: {destination: /10.0.0.9, hboneMtlsPort: 1}, weight: 3}]
          loadBalancer: {routingPreferences: [Network, Region], mode: Failover, healthPolicy: AllowAll}
          ipFamilies: IPv6
          canonical: true
          visibility: Namespace
        policies:
        - name: p
          namespace: default
          scope: WorkloadSelector
          action: Deny
          dryRun: true
          rules:
          - - - notPrincipals: [{Presence: []}]
                principals: [{Exact: td/ns/a/sa/b}, {Prefix: td/}, {Suffix: x}]
                namespaces: [{Exact: a}]
                notNamespaces: [{Exact: b}]
                serviceAccounts: [{namespace: a, serviceAccount: b}]
                notServiceAccounts: [{namespace: c, serviceAccount: d}]
                sourceIps: [10.0.0.0/8, 1.2.3.4]
                notSourceIps: ["::/0"]
                destinationIps: [10.0.0.1/32]
                notDestinationIps: [10.0.0.2/32]
                destinationPorts: [80, 81]
                notDestinationPorts: [82]
        """

    @Test("every field is read")
    func everyField() throws {
        let config = try LocalConfig.parse(Self.full, name: "mesh.yaml")
        let workload = try #require(config.workloads.first?.fields)
        #expect(workload.uid == "cluster1//Pod/default/local")
        #expect(workload.addresses == [.loopbackV4, .loopbackV6])
        #expect(
            workload.tunnelProtocol == .hbone && workload.networkMode == .hostNetwork && workload.status == .unhealthy)
        #expect(workload.capacity == 7 && workload.nativeTunnel)
        #expect(workload.waypoint?.destination == NetworkAddress("net/10.0.0.1").map { .address($0) })
        #expect(workload.networkGateway?.destination == NamespacedHostname("ns/gw.example").map { .hostname($0) })
        #expect(workload.applicationTunnel == ApplicationTunnel(kind: .proxy, port: 15088))
        #expect(workload.locality == Locality(region: "r", zone: "z", subzone: "s"))
        #expect(
            workload.services == [
                NamespacedHostname(namespace: "default", hostname: "svc.example"): [80: 8080, 443: 8443]
            ])
        #expect(workload.authorizationPolicies == ["default/p"])
        let service = try #require(config.services.first?.fields)
        #expect(service.vips.map(\.description) == ["/127.10.0.1", "net/127.10.0.2"])
        #expect(service.cidrVIPs.first?.cidr == CIDR("10.1.0.0/16"))
        #expect(service.endpoints["some-uid"]?.ports == [80: 81])
        #expect(service.subjectAltNames.map(\.description) == ["spiffe://td/ns/a/sa/b"])
        #expect(service.weightedWaypoints.first?.weight == 3)
        #expect(
            service.loadBalancer
                == LoadBalancer(routingPreferences: [.network, .region], mode: .failover, healthPolicy: .allowAll))
        #expect(service.ipFamilies == .v6 && service.canonical && service.visibility == .namespace)
        let policy = try #require(config.policies.first)
        #expect(policy.scope == .workloadSelector && policy.action == .deny && policy.dryRun)
        let match = try #require(policy.rules.first?.clauses.first?.matches.first)
        #expect(match.notPrincipals == [.presence])
        #expect(match.principals == [.exact("td/ns/a/sa/b"), .prefix("td/"), .suffix("x")])
        #expect(match.sourceIPs == [CIDR("10.0.0.0/8"), CIDR("1.2.3.4")].compactMap { $0 })
        #expect(match.destinationPorts == [80, 81] && match.notDestinationPorts == [82])
        #expect(match.serviceAccounts == [.init(namespace: "a", serviceAccount: "b")])
    }

    @Test("the records make a mesh, endpoints joined")
    func store() throws {
        let config = try LocalConfig.parse(
            """
            {"workloads": [{"name": "w", "namespace": "ns", "workloadIps": ["10.0.0.1"], "services": {"ns/svc": {"80": 80}}}],
             "services": [{"name": "svc", "namespace": "ns", "hostname": "svc", "vips": ["/10.1.0.1"], "ports": {"80": 80}}]}
            """, name: "mesh.json")
        let snapshot = config.store(localNode: nil).snapshot
        let entry = try #require(
            snapshot.findService(vip: IPAddress(v4: 0x0a01_0001), network: "", clientNamespace: nil))
        #expect(entry.allEndpoints.map { $0.workload?.uid } == ["//Pod/ns/w"])
        #expect(
            snapshot.workload(uid: "//Pod/ns/w")?.identity?.description == "spiffe://cluster.local/ns/ns/sa/default")
    }

    @Test("an empty text is an empty mesh", arguments: ["", "---\n", "workloads:\nservices: []\n", "{}"])
    func empty(text: String) throws {
        #expect(try LocalConfig.parse(text, name: "x").workloads.isEmpty)
    }

    static let refused = [
        ("servces: []", "mesh.yaml:1: servces: unknown key; expected one of workloads, services, policies"),
        ("- a", "mesh.yaml:1: top level: is a list; expected a mapping"),
        ("workloads: {}", "mesh.yaml:1: workloads: is a mapping; expected a list"),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [10.0.0.1], prtocol: TCP}",
            "mesh.yaml:2: workloads[0].prtocol: unknown key; expected one of uid, name"
        ),
        (
            "workloads:\n- name: a\n  namespace: n\n  workloadIps:\n  - 10.0.0.256",
            "mesh.yaml:5: workloads[0].workloadIps[0]: is \"10.0.0.256\"; expected an IPv4 or IPv6 address"
        ),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [10.0.0.1], protocol: hbone}",
            "mesh.yaml:2: workloads[0].protocol: is \"hbone\"; expected TCP, HBONE"
        ),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [10.0.0.1], services: {svc: {80: 80}}}",
            "mesh.yaml:2: workloads[0].services.svc: is not a service key; expected <namespace>/<hostname>"
        ),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [10.0.0.1], services: {n/svc: {80: 65536}}}",
            "mesh.yaml:2: workloads[0].services.n/svc.80: is \"65536\"; expected a port from 0 to 65535"
        ),
        ("workloads:\n- {name: a, workloadIps: [10.0.0.1]}", "mesh.yaml:2: workloads[0]: needs a namespace"),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [1.1.1.1], nativeTunnel: yes}",
            "mesh.yaml:2: workloads[0].nativeTunnel: is \"yes\"; expected true or false"
        ),
        (
            "workloads:\n- {name: a, namespace: n, workloadIps: [1.1.1.1], waypoint: {destination: x, hboneMtlsPort: 1}}",
            "mesh.yaml:2: workloads[0].waypoint.destination: is \"x\"; expected <network>/<ip> or <namespace>/<hostname>"
        ),
        (
            "workloads:\n- {name: a, namespace: N, protocol: HBONE, workloadIps: [1.1.1.1]}",
            "mesh.yaml:2: workloads[0]: has no valid identity; \"N\" is not a namespace"
        ),
        (
            "services:\n- {name: a, namespace: n, hostname: h, vips: [10.0.0.1]}",
            "mesh.yaml:2: services[0].vips[0]: is \"10.0.0.1\"; expected <network>/<ip>, or /<ip> for the default network"
        ),
        (
            "services:\n- {name: a, namespace: n, hostname: h}\n- {name: b, namespace: n, hostname: h}",
            "mesh.yaml:3: services[1]: service \"n/h\" was given at line 2 already; each must be unique"
        ),
        (
            "workloads:\n- {uid: u, namespace: n, workloadIps: [1.1.1.1]}\n- {uid: u, namespace: n, workloadIps: [1.1.1.2]}",
            "mesh.yaml:3: workloads[1]: uid \"u\" was given at line 2 already; each must be unique"
        ),
        (
            "policies:\n- {name: a, namespace: n, scope: Global, action: Allow, rules: [[[{sourceIps: [10.0.0.0/33]}]]]}",
            "mesh.yaml:2: policies[0].rules[0][0][0].sourceIps[0]: is \"10.0.0.0/33\"; expected an address block such as"
        ),
        (
            "policies:\n- {name: a, namespace: n, scope: Global, action: Allow, rules: [[[{namespaces: [{Regex: a}]}]]]}",
            "mesh.yaml:2: policies[0].rules[0][0][0].namespaces[0].Regex: unknown key; expected one of Exact, Prefix"
        ),
        ("policies:\n- {name: a, namespace: n, scope: Global, action: Allow}", "mesh.yaml:2: policies[0]: needs rules"),
        ("workloads:\n- {a: 1, a: 2}", "mesh.yaml:2: the key a is given twice"),
        ("workloads: [", "mesh.yaml:2: did not find expected node content"),
        ("workloads: *none", "mesh.yaml:1: found undefined alias"),
    ]

    @Test("refuses, with file, line, path and what was expected", arguments: refused)
    func refuses(text: String, expected: String) {
        let found = problems(text)
        #expect(found.count == 1 && found.first?.hasPrefix(expected) == true, "\(found)")
    }

    @Test("every problem is told at once, up to twenty")
    func allProblems() {
        let text = "workloads:\n" + (0..<30).map { "- {name: w\($0), namespace: n, workloadIps: [x]}\n" }.joined()
        let found = problems(text)
        #expect(found.count == 21)
        #expect(found.last == "and 10 more")
    }

    @Test("aliases that unfold without end are stopped")
    func bomb() {
        var text = "policies:\n- {name: a, namespace: n, scope: Global, action: Allow, rules: &r [&c [&m "
        text += "[" + Array(repeating: "{destinationPorts: [1]}", count: 1).joined(separator: ",") + "]"
        text += Array(repeating: ", *m", count: 2000).joined() + "]"
        text += Array(repeating: ", *c", count: 2000).joined() + "]}\n"
        let found = problems(text)
        #expect(found.count == 1 && found.first?.contains("aliases unfold into too many values") == true, "\(found)")
    }

    @Test("an alias in measure is fine")
    func alias() throws {
        let config = try LocalConfig.parse(
            "workloads:\n- {name: a, namespace: n, workloadIps: &ips [1.1.1.1]}\n- {name: b, namespace: n, workloadIps: *ips}",
            name: "x")
        #expect(config.workloads.count == 2)
    }

    @Test("a file that is not there is said so")
    func noFile() {
        let failure = #expect(throws: MeshFailure.self) { try LocalConfig.load(file: "/nonexistent/mesh.yaml") }
        #expect(failure?.kind == .notFound)
        #expect(failure?.description == "read local configuration /nonexistent/mesh.yaml: no such file")
    }

    @Test("every truncation is read or refused, never a trap")
    func truncations() {
        for count in stride(from: 0, to: Self.full.count, by: 7) { _ = problems(String(Self.full.prefix(count))) }
    }
}
