import MeshState
import Testing

@Suite("Name expansion")
struct NameExpansionTests {
    static let table: [(String, [String])] = [
        ("a", ["a", "a.ns.svc.cluster.local"]),
        ("svc", ["svc", "svc.ns.svc.cluster.local"]),
        ("a.b", ["a.b", "a.b.svc.cluster.local", "a.b.ns.svc.cluster.local"]),
        ("a.svc", ["a.svc", "a.svc.svc.cluster.local", "a.svc.ns.svc.cluster.local"]),
        ("a.b.c", ["a.b.c", "a.b.c.svc.cluster.local"]),
        ("a.b.svc", ["a.b.svc", "a.b.svc.cluster.local", "a.b.svc.svc.cluster.local"]),
        ("a.b.c.d", ["a.b.c.d"]),
        ("a.b.c.svc", ["a.b.c.svc", "a.b.c.svc.cluster.local"]),
        ("a.b.c.d.e", ["a.b.c.d.e"]),
        ("a.b.c.d.svc", ["a.b.c.d.svc"]),
    ]

    @Test("166: by the number of labels, with and without svc", arguments: table)
    func expansion(name: String, expected: [String]) {
        let candidates = NameExpansion(searchDomains: .fixed([])).candidates(for: name, clientNamespace: "ns")
        #expect(candidates.map(\.host) == expected)
        #expect(candidates.allSatisfy { $0.stripped == nil })
    }

    @Test("166: search domains are taken off after that, each in its turn, and nothing comes twice")
    func searchDomains() {
        let candidates = NameExpansion(searchDomains: .kubernetes)
            .candidates(for: "a.ns.svc.cluster.local", clientNamespace: "ns")
        #expect(
            candidates
                == [
                    ("a.ns.svc.cluster.local", nil), ("a", "a"), ("a.ns", "a.ns"),
                    ("a.ns.ns.svc.cluster.local", "a.ns"),
                    ("a.ns.svc", "a.ns.svc"), ("a.ns.svc.svc.cluster.local", "a.ns.svc"),
                ].map { NameCandidate(host: $0.0, stripped: $0.1) })
    }

    @Test("166: the cluster's domain is the configured one, in any case")
    func clusterDomain() {
        let expansion = NameExpansion(clusterDomain: "Corp.Example", searchDomains: .kubernetes)
        #expect(
            expansion.candidates(for: "a.b.svc", clientNamespace: "ns").map(\.host)
                == ["a.b.svc", "a.b.svc.corp.example", "a.b.svc.svc.corp.example"])
        #expect(expansion.candidates(for: "x.y.z.w.corp.example", clientNamespace: "ns").last?.stripped == "x.y.z.w")
    }
}
