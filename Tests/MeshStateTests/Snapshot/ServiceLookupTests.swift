import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Service lookup")
struct ServiceLookupTests {
    private func find(_ world: World, _ address: String, _ namespace: String?, network: String = "") throws -> String? {
        world.snapshot.findService(vip: try ip(address), network: network, clientNamespace: namespace)?.key.description
    }

    @Test("66: of services that share a VIP, the one of the client's namespace")
    func sharedVIP() throws {
        let world = World(
            .service(.make("a/svc-a", vip: "127.0.0.3")), .service(.make("b/svc-b", vip: "127.0.0.3")))
        #expect(try find(world, "127.0.0.3", "a") == "a/svc-a")
        #expect(try find(world, "127.0.0.3", "b") == "b/svc-b")
        #expect(try find(world, "127.0.0.3", "c") != nil)
    }

    @Test("67: a service of namespace visibility")
    func visibility() throws {
        let world = World(.service(.make("a/svc", vip: "127.0.0.3") { $0.visibility = .namespace }))
        #expect(try find(world, "127.0.0.3", "a") == "a/svc")
        #expect(try find(world, "127.0.0.3", "b") == nil)
        #expect(try find(world, "127.0.0.3", nil) == "a/svc")
        #expect(world.snapshot.findService(hostname: "svc", clientNamespace: "b") == nil)
    }

    @Test("68: behind an exact VIP that is hidden, a public block answers")
    func hiddenVIP() throws {
        let world = World(
            .service(.make("a/exact", vip: "10.1.0.3") { $0.visibility = .namespace }),
            .service(.make("b/block", vip: "/10.1.0.0/16")))
        #expect(try find(world, "10.1.0.3", "a") == "a/exact")
        #expect(try find(world, "10.1.0.3", "c") == "b/block")
    }

    @Test("69: blocks rank by namespace, then length; networks and families do not mix")
    func blocks() throws {
        let world = World(
            .service(.make("a/wide", vip: "/10.1.0.0/16")), .service(.make("b/narrow", vip: "/10.1.1.0/24")),
            .service(.make("c/exact", vip: "10.1.1.9")), .service(.make("d/v6", vip: "/::/0")))
        #expect(try find(world, "10.1.1.5", nil) == "b/narrow")
        #expect(try find(world, "10.1.1.5", "a") == "a/wide")
        #expect(try find(world, "10.1.1.9", "a") == "c/exact")
        #expect(try find(world, "10.1.2.5", nil) == "a/wide")
        #expect(try find(world, "10.2.0.1", nil) == nil)
        #expect(try find(world, "10.1.1.5", nil, network: "other") == nil)
        #expect(try find(world, "ff06::1", nil) == "d/v6")
    }

    @Test("of two blocks alike, the canonical one")
    func canonicalBlock() throws {
        let world = World(
            .service(.make("a/x", vip: "/10.1.0.0/16")),
            .service(.make("b/y", vip: "/10.1.0.0/16") { $0.canonical = true }))
        #expect(try find(world, "10.1.1.5", "c") == "b/y")
    }

    @Test("70: endpoints that come after a block service are seen through the block")
    func blockEndpoints() throws {
        let world = World(
            .service(.make("ns/svc", vip: "/10.1.0.0/16")),
            .workload(.make("w", ip: "10.0.0.1", services: ["ns/svc": [80: 80]])))
        var later = world
        later.apply(.workload(.make("x", ip: "10.0.0.2", services: ["ns/svc": [80: 80]])))
        let entry = later.snapshot.findService(vip: try ip("10.1.1.1"), network: "", clientNamespace: nil)
        #expect(entry?.endpointCount == 2)
        #expect(later.snapshot.services(atVIP: try ip("10.1.1.1"), network: "").count == 1)
    }

    @Test("71: of services that share a hostname: own namespace, canonical, preferred, first; hidden ones never")
    func hostname() {
        var world = World(
            .service(.make("a/host")), .service(.make("b/host") { $0.visibility = .namespace }),
            .service(.make("c/host")))
        func find(_ namespace: String, preferred: String? = nil) -> String? {
            world.snapshot.findService(hostname: "host", clientNamespace: namespace, preferredNamespace: preferred)?
                .service.namespace
        }
        #expect(find("b") == "b")
        #expect(find("x") == "a")
        #expect(find("x", preferred: "c") == "c")
        #expect(find("x", preferred: "b") == "a")
        world.apply(.service(.make("d/host") { $0.canonical = true }))
        #expect(find("x") == "d")
        #expect(find("x", preferred: "c") == "d")
        #expect(find("c") == "c")
        world.apply(.removeAddress("a/host"), .removeAddress("d/host"))
        #expect(find("x") == "c")
    }

    @Test("an address is a workload before it is a service, an upstream the other way round")
    func order() throws {
        let world = World(
            .workload(.make("w", ip: "10.0.0.1")), .service(.make("ns/svc", vip: "10.0.0.1")))
        let address = try ip("10.0.0.1")
        guard case .workload = world.snapshot.findAddress(network: "", ip: address, clientNamespace: nil),
            case .service = world.snapshot.findUpstream(network: "", ip: address, clientNamespace: nil)
        else { throw BadFixture(text: "order") }
    }

    @Test("a later service of the same namespace takes over a VIP; its removal does not take the other's")
    func takenOver() throws {
        var world = World(.service(.make("a/one", vip: "127.0.0.3")), .service(.make("a/two", vip: "127.0.0.3")))
        #expect(try find(world, "127.0.0.3", "a") == "a/two")
        world.apply(.workload(.make("w", ip: "10.0.0.1", services: ["a/one": [80: 80]])))
        #expect(try find(world, "127.0.0.3", "a") == "a/two")
        world.apply(.removeAddress("a/one"))
        #expect(try find(world, "127.0.0.3", "a") == "a/two")
    }
}
