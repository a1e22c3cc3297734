import MeshCore
import MeshState
import Testing

@testable import MeshControl

@Suite("Explaining a connection")
struct ExplainTests {
    private func ask(
        _ from: String?, _ to: String, plaintext: Bool = false
    ) throws -> ConnectionExplanation {
        try MeshView(snapshot: try DumpFixture.snapshot()).explain(
            ConnectionQuestion(from: from, to: to, isPlaintext: plaintext))
    }

    @Test("a service: record, endpoints and why they lost, route, policies, verdict")
    func service() throws {
        let answer = try ask("shop/cart", "10.1.0.2:80")
        #expect(answer.verdict == .allowed && answer.reason == "allowed by policy shop/callers, rule 0")
        #expect(answer.from.identity == "spiffe://cluster.local/ns/shop/sa/cart" && answer.from.address == "10.0.0.1")
        #expect(answer.records.map(\.name) == ["shop/web.shop.svc.cluster.local"] && answer.records[0].matched)
        #expect(
            answer.choices.first?.candidates.map { "\($0.workload) \($0.reason)" } == [
                "c1//Pod/shop/slow its capacity is 0", "c1//Pod/shop/web chosen",
            ])
        #expect(answer.route.decision == .hbone && answer.route.nextHop == "10.0.0.2:15008")
        #expect(answer.route.authority == "10.0.0.2:8080")
        #expect(answer.route.expectedIdentities == ["spiffe://cluster.local/ns/shop/sa/web"])
        let inbound = try #require(answer.inbound)
        #expect(inbound.workload == "c1//Pod/shop/web" && inbound.delivery == "10.0.0.2:8080" && inbound.enforced)
        #expect(
            inbound.policies.map { "\($0.policy) \($0.matched)" } == [
                "root/trial true", "shop/callers true", "shop/strict false",
            ])
        #expect(inbound.missingPolicies == ["shop/none"])
    }

    @Test("a proxy whose own record is gone takes nothing, whatever the route would be")
    func ownUnknown() throws {
        let snapshot = try DumpFixture.snapshot()
        let own = try #require(snapshot.workload(uid: "c1//Pod/shop/cart"))
        for isOwnKnown in [true, false] {
            let view = MeshView(snapshot: snapshot, own: own, isOwnKnown: isOwnKnown)
            let answer = try view.explain(ConnectionQuestion(to: "10.1.0.2:80"))
            #expect(answer.verdict == (isOwnKnown ? .allowed : .unreachable))
            #expect(answer.reason.contains("no workload shop/cart any more") == !isOwnKnown)
        }
        let other = try MeshView(snapshot: snapshot, own: own, isOwnKnown: false)
            .explain(ConnectionQuestion(from: "shop/way", to: "10.0.0.2:443"))
        #expect(other.verdict == .allowed)
    }

    @Test("a refusal names the policies that exist and what did not hold")
    func denied() throws {
        let answer = try ask("shop/way", "10.0.0.2:443")
        #expect(answer.verdict == .allowed, "rule 1 allows by address")
        let other = try ask("shop/foreign", "10.0.0.2:8080")
        #expect(other.verdict == .unreachable && other.reason.contains("not of trust domain cluster.local"))
        let stranger = try ask("192.0.2.9", "10.0.0.2:8080")
        #expect(stranger.verdict == .denied && stranger.reason == "explicitly denied by policy shop/strict, rule 0")
        let callers = try #require(stranger.inbound?.policies.first { $0.policy == "shop/callers" })
        #expect(
            callers.reason == "rule 0, clause 0, match 0: principals; rule 1, clause 0, match 0: sourceIPs")
    }

    @Test("a caller without a proxy arrives without identity")
    func plaintext() throws {
        let answer = try ask("shop/cart", "10.0.0.2:8080", plaintext: true)
        #expect(answer.verdict == .denied && answer.route.decision == .direct)
        let service = try ask("shop/cart", "web:80", plaintext: true)
        #expect(service.verdict == .allowed && service.inbound?.delivery == "10.0.0.3:8080")
        #expect(service.notes.contains { $0.contains("service routing") })
    }

    @Test("where no proxy is, policies are shown and not enforced")
    func notEnforced() throws {
        let answer = try ask("192.0.2.9", "10.0.0.7:80")
        #expect(answer.verdict == .allowed && answer.inbound?.enforced == false && answer.inbound?.allowed == false)
        #expect(answer.reason == "no proxy at the destination enforces policies")
    }

    @Test("a waypoint: what it leads to, and whose policies are asked")
    func waypoint() throws {
        let answer = try ask("shop/cart", "10.0.0.6:80")
        #expect(answer.waypoint?.destination == "/10.1.0.5" && answer.waypoint?.of == "workload shop/behind")
        #expect(answer.route.nextHop == "10.0.0.5:15008" && answer.route.authority == "10.0.0.6:80")
        #expect(answer.inbound?.workload == "c1//Pod/shop/way" && answer.inbound?.delivery == "127.0.0.1:15088")
        #expect(answer.notes.contains { $0.contains("the waypoint's identity") })
    }

    @Test("an unknown address is passed through; nobody of the mesh decides")
    func passthrough() throws {
        let answer = try ask("shop/cart", "192.0.2.1:443")
        #expect(answer.verdict == .allowed && answer.route.decision == .tcp && answer.inbound == nil)
        #expect(answer.records.isEmpty && answer.reason == "the destination is not in the mesh")
    }

    @Test("a route that is refused says so")
    func refused() throws {
        let answer = try ask("shop/cart", "10.1.0.2:81")
        #expect(answer.verdict == .unreachable && answer.route.decision == .refuse)
        #expect(answer.reason.contains("the service does not define that port"))
    }

    @Test(
        "names are found as inside the pod",
        arguments: ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local."])
    func names(name: String) throws {
        let answer = try ask("shop/cart", "\(name):80")
        #expect(answer.to.address == "10.1.0.2:80" && answer.to.hostname == "shop/web.shop.svc.cluster.local")
    }

    @Test("the family of the call decides on the address that the source has")
    func families() throws {
        #expect(try ask("shop/cart", "[fd00::99]:80").from.address == "fd00::1")
        #expect(try ask("fd00::1", "10.0.0.2:80").from.address == "fd00::1")
        #expect(try ask("c1//Pod/shop/cart", "10.0.0.2:80").from.name == "shop/cart")
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let from: String?
        let to: String
        let kind: MeshFailure.Kind
        let reason: String
        var testDescription: String { "\(from ?? "nobody") to \(to)" }
    }

    static let bad = [
        Bad(from: nil, to: "1.2.3.4:80", kind: .usage, reason: "these records are of no proxy"),
        Bad(from: "shop/none", to: "1.2.3.4:80", kind: .notFound, reason: "no workload shop/none among 9"),
        Bad(from: "shop/cart", to: "1.2.3.4", kind: .usage, reason: "\"1.2.3.4\" is not address:port"),
        Bad(from: "shop/cart", to: "fd00::1", kind: .usage, reason: "\"fd00::1\" is not address:port"),
        Bad(from: "shop/cart", to: "web:99999", kind: .usage, reason: "\"web:99999\" is not address:port"),
        Bad(from: "shop/cart", to: ":80", kind: .usage, reason: "\":80\" is not address:port"),
        Bad(from: "shop/cart", to: "nobody:80", kind: .notFound, reason: "no service is called nobody"),
        Bad(
            from: "shop/cart", to: "all.example:80", kind: .notFound,
            reason: "no service is called all.example, or none"),
    ]

    @Test("an end that cannot be told is a failure with its reason", arguments: bad)
    func badEnds(_ case: Bad) {
        do {
            _ = try ask(`case`.from, `case`.to)
            Issue.record("answered")
        } catch let failure as MeshFailure {
            #expect(failure.kind == `case`.kind && failure.reason.hasPrefix(`case`.reason), "\(failure)")
        } catch {
            Issue.record("\(error)")
        }
    }

    private func tunnel(
        _ id: UInt64, _ direction: ConnectionDump.Direction = .outbound, peer: String = "10.0.0.2:15008",
        account: String = "web", records: String? = "libssl"
    ) -> HBONETunnelDump {
        HBONETunnelDump(
            id: id, direction: direction, peer: peer, local: "10.0.0.1:0",
            phase: records == nil ? "connecting" : "open",
            expectedIdentities: ["spiffe://cluster.local/ns/shop/sa/\(account)"], streams: 3, leaving: false,
            queuedBytes: 0, opened: "", tlsRecords: records)
    }

    @Test("what carries a request: the proxy's tunnels to that hop, the records of a new one, what is tried once more")
    func carriage() throws {
        let snapshot = try DumpFixture.snapshot()
        let own = try #require(snapshot.workload(uid: "c1//Pod/shop/cart"))
        let tunnels = [
            tunnel(1, .inbound), tunnel(2, peer: "10.0.0.5:15008"), tunnel(3, account: "way"), tunnel(4),
            tunnel(5, records: nil),
        ]
        let view = MeshView(snapshot: snapshot, own: own, tunnels: tunnels, tlsRecords: "own, libcrypto")
        let question = ConnectionQuestion(to: "10.1.0.2:80")
        let answer = try view.explain(question)
        let carriage = try #require(answer.carriage)
        #expect(
            carriage.tunnels == [
                .init(id: 4, phase: "open", streams: 3, leaving: false, tlsRecords: "libssl"),
                .init(id: 5, phase: "connecting", streams: 3, leaving: false),
            ])
        #expect(carriage.tlsRecords == "own, libcrypto")
        #expect(carriage.retriedAfter == ["REFUSED_STREAM", "GOAWAY", "tunnel used up"])

        var dump = ConfigDump(snapshot)
        dump.config.proxyWorkloadInformation = .init(namespace: "shop", name: "cart", serviceAccount: "cart")
        dump.tunnels = tunnels
        dump.tlsRecords = "own, libcrypto"
        #expect(try ConfigDump(parsing: dump.json, origin: "test").view(origin: "test").explain(question) == answer)
        // Another proxy has tunnels of its own; plain TCP has none.
        let other = try view.explain(ConnectionQuestion(from: "shop/way", to: "10.0.0.2:443"))
        #expect(other.carriage?.tunnels == [] && other.carriage?.tlsRecords == nil)
        #expect(try view.explain(ConnectionQuestion(to: "192.0.2.1:443")).carriage == nil)
    }

    @Test("a dump answers as the records themselves do")
    func fromDump() throws {
        let dump = try ConfigDump(parsing: try DumpFixture.dump().json, origin: "test")
        for to in ["10.1.0.2:80", "10.0.0.6:80", "192.0.2.1:1", "web:443", "10.1.0.2:81"] {
            let question = ConnectionQuestion(from: "shop/cart", to: to)
            #expect(
                try dump.view(origin: "test").explain(question)
                    == MeshView(snapshot: DumpFixture.snapshot()).explain(question))
        }
    }
}
