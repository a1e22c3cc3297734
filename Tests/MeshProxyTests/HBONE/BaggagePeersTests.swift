import MeshCore
import Testing

@testable import MeshProxy

@Suite("Peers that only their baggage tells of")
struct BaggagePeersTests {
    @Test("are one record for one text")
    func same() {
        var peers = BaggagePeers()
        let text = "k8s.namespace.name=far,service.name=web"
        let (first, second, none) = (peers.find(text), peers.find(text), peers.find(""))
        #expect(first?.namespace == "far" && first?.fields.canonicalName == "web")
        #expect(first != nil && second === first)
        #expect(none == nil)
    }

    @Test("are known by what a certificate proves, not by what they say")
    func proven() throws {
        var peers = BaggagePeers()
        let identity = try SPIFFEID(parsing: "spiffe://td/ns/real/sa/account")
        let peer = peers.find("k8s.namespace.name=claimed", identity: identity)
        #expect(peer?.namespace == "real" && peer?.fields.serviceAccount == "account")
    }

    @Test("are told apart up to a limit, which others may use later")
    func bounded() {
        var peers = BaggagePeers()
        let first = (0..<BaggagePeers.limit).map { peers.find("service.name=w\($0)") }
        #expect(first.allSatisfy { $0 != nil })
        let (late, known) = (peers.find("service.name=late"), peers.find("service.name=w0"))
        #expect(late == nil && known === first[0])
        peers.tidy()
        let later = peers.find("service.name=late")
        #expect(later?.fields.canonicalName == "late")
        peers.tidy()
        let again = peers.find("service.name=late")
        #expect(again === later)
    }
}
