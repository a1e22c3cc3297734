import Foundation
import MeshCore
import MeshState
import Testing

@testable import MeshControl

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Config dump")
struct ConfigDumpTests {
    /// The dump as another program's JSON reader sees it.
    private func object() throws -> [String: Any] {
        let json = try DumpFixture.dump().json
        return try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    }

    private func workload(_ uid: String) throws -> [String: Any] {
        let all = try #require(try object()["workloads"] as? [[String: Any]])
        return try #require(all.first { $0["uid"] as? String == uid })
    }

    @Test("reads back into the same records: dump, records, dump")
    func roundTrip() throws {
        let first = try DumpFixture.dump()
        let read = try ConfigDump(parsing: first.json, origin: "test")
        #expect(read == first)
        var store = MeshStore()
        _ = store.apply(try read.changes())
        #expect(ConfigDump(store.snapshot) == first)
        #expect(ConfigDump(store.snapshot).json == first.json)
    }

    @Test("the records themselves are the same too, ports of endpoints included")
    func sameRecords() throws {
        let original = try DumpFixture.snapshot()
        var store = MeshStore()
        _ = store.apply(try ConfigDump(original).changes())
        func fields(_ snapshot: MeshSnapshot) -> Set<Service.Fields> { Set(snapshot.allServices.map(\.service.fields)) }
        #expect(fields(store.snapshot) == fields(original))
        #expect(Set(store.snapshot.allPolicies) == Set(original.allPolicies))
        #expect(store.snapshot.stagedEndpoints == original.stagedEndpoints)
        // What an unhealthy workload maps where no endpoint of it is held is in no dump.
        func workloads(_ snapshot: MeshSnapshot) -> Set<Workload.Fields> {
            Set(snapshot.allWorkloads.filter { $0.fields.status == .healthy }.map(\.fields))
        }
        #expect(workloads(store.snapshot) == workloads(original))
    }

    @Test("175: a waypoint is written as network/ip with its port; lists are sorted")
    func waypoint() throws {
        let waypoint = try #require(try workload("far")["waypoint"] as? [String: Any])
        #expect(waypoint["destination"] as? String == "defaultnw/127.0.0.10")
        #expect(waypoint["hboneMtlsPort"] as? Int == 15008)
        let dump = try DumpFixture.dump()
        #expect(dump.workloads.map(\.uid) == dump.workloads.map(\.uid).sorted())
        #expect(dump.services.map(\.hostname) == dump.services.map(\.hostname).sorted())
        #expect(dump.policies.map(\.key) == ["root/trial", "shop/callers", "shop/strict"])
    }

    @Test("has the keys that istioctl reads, and leaves out what is empty")
    func keys() throws {
        let object = try object()
        #expect(
            Set(object.keys) == [
                "workloads", "services", "policies", "stagedServices", "staticConfig", "version", "config",
                "certificates", "workloadState",
            ])
        #expect(
            Set(try #require(object["staticConfig"] as? [String: Any]).keys) == ["workloads", "policies", "services"])
        #expect(
            Set(try #require(object["version"] as? [String: Any]).keys) == [
                "version", "gitRevision", "rustVersion", "buildProfile", "buildStatus", "istioVersion",
                "cryptoProvider",
            ])
        let plain = try workload("c1//Pod/shop/plain")
        #expect(
            Set(plain.keys) == [
                "uid", "workloadIps", "name", "namespace", "trustDomain", "serviceAccount", "protocol", "networkMode",
                "status", "clusterId", "capacity",
            ])
        #expect(plain["protocol"] as? String == "TCP" && plain["capacity"] as? Int == 1)
        #expect(
            try workload("c1//Pod/shop/web")["services"] as? [String] == [
                "shop/unknown.example", "shop/web.shop.svc.cluster.local",
            ])
        let services = try #require(object["services"] as? [[String: Any]])
        let web = try #require(services.first { $0["name"] as? String == "web" })
        #expect(
            Set(web.keys) == [
                "name", "namespace", "hostname", "vips", "ports", "endpoints", "subjectAltNames", "canonical",
                "visibility",
            ])
        #expect(web["ports"] as? [String: Int] == ["80": 8080, "443": 8443])
        let endpoints = try #require(web["endpoints"] as? [String: [String: Any]])
        #expect(Set(endpoints.keys) == ["c1//Pod/shop/web", "c1//Pod/shop/slow"])
        #expect(Set(try #require(endpoints["c1//Pod/shop/web"]).keys) == ["workloadUid", "port", "status"])
        let staged = try #require(object["stagedServices"] as? [String: [String: Any]])
        #expect(staged.mapValues { Set($0.keys) } == ["shop/unknown.example": ["c1//Pod/shop/web"]])
    }

    @Test("policies keep ztunnel's spelling of matches")
    func policies() throws {
        let policies = try #require(try object()["policies"] as? [[String: Any]])
        let strict = try #require(policies.first { $0["name"] as? String == "strict" })
        let rules = try #require(strict["rules"] as? [[[[String: Any]]]])
        let match = try #require(rules.first?.first?.first?["notPrincipals"] as? [[String: Any]])
        #expect((match.first?["Presence"] as? [Any])?.isEmpty == true)
        #expect(strict["scope"] as? String == "WorkloadSelector" && strict["dryRun"] == nil)
    }

    @Test("175: a certificate is in one of three states, and never with its key")
    func certificates() throws {
        let identity = try SPIFFEID(parsing: "spiffe://cluster.local/ns/web/sa/front")
        let standing = CredentialStanding()
        #expect(standing.dump(identity: identity).state == "Initializing")
        standing.set(.unavailable("the authority is away"))
        #expect(standing.dump(identity: identity).state == "Unavailable: the authority is away")
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/pki")
        let chain = try Data(contentsOf: folder.appending(path: "front.pem"))
        let root = try Data(contentsOf: folder.appending(path: "root.pem"))
        standing.set(.available(chain: Array(chain), roots: Array(root)))
        let dump = standing.dump(identity: identity)
        #expect(dump.state == "Available" && dump.certChain.count == 1 && dump.rootCerts.count == 1)
        let leaf = try #require(dump.certChain.first)
        let pem = try #require(Data(base64Encoded: leaf.pem).map { String(decoding: $0, as: UTF8.self) })
        #expect(pem.hasPrefix("-----BEGIN CERTIFICATE-----\n") && pem.hasSuffix("-----END CERTIFICATE-----\n"))
        #expect(leaf.serialNumber.allSatisfy { $0.isNumber } && leaf.expirationTime.hasSuffix("Z"))
        #expect(leaf.validFrom < leaf.expirationTime)
    }

    @Test("no setting shows a token, a header value or metadata that is named as a secret")
    func secrets() throws {
        let host = ZtunnelConfig.Host(cpuCount: 1, read: { _ in nil }, exists: { _ in false })
        let config = try ZtunnelConfig.load(
            environment: [
                "PROXY_WORKLOAD_INFO": "a/b/c", "LOCAL_XDS": "workloads: []", "CA_ROOT_CA": "SYSTEM",
                "AUTH_TOKEN": "hush", "CA_HEADER_X": "hush", "ISTIO_META_API_TOKEN": "hush", "ISTIO_META_A": "seen",
            ], host: host)
        var dump = ConfigDump()
        dump.config = SettingsDump(config)
        let text = String(decoding: dump.json, as: UTF8.self)
        #expect(!text.contains("hush") && text.contains("seen") && text.contains("\"localConfig\" : \"inline\""))
    }

    @Test("a dump that is cut off anywhere is refused")
    func truncated() throws {
        let json = try DumpFixture.dump().json
        // The last byte closes the object.
        for count in stride(from: 0, to: json.count, by: 97) {
            #expect(throws: MeshFailure.self) { try ConfigDump(parsing: Array(json[..<count]), origin: "test") }
        }
    }

    @Test(
        "what makes no record is refused, naming its place",
        arguments: [
            ("{}", "top level: needs workloads"),
            (
                #"{"workloads": [{"uid": 1}], "services": [], "policies": []}"#,
                "workloads[0].uid: a value of another kind"
            ),
            ("[", "it is not valid JSON"),
        ])
    func refused(text: String, expected: String) {
        do {
            _ = try ConfigDump(parsing: Array(text.utf8), origin: "x")
            Issue.record("accepted")
        } catch {
            #expect(error.kind == .corrupt && error.reason.hasPrefix(expected), "\(error)")
        }
    }

    @Test("a value that no record can have is refused when records are made")
    func badValue() throws {
        var dump = try DumpFixture.dump()
        dump.workloads[0].workloadIps = ["10.0.0"]
        #expect(throws: DumpError(owner: "workload \(dump.workloads[0].uid)", value: "10.0.0")) { try dump.changes() }
    }
}
