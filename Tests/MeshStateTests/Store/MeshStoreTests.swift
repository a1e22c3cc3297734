import MeshCore
import MeshState
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Mesh store")
struct MeshStoreTests {
    private static let key = NamespacedHostname(namespace: "ns", hostname: "svc")
    private static let service = MeshChange.service(.make("ns/svc", vip: "127.0.0.3"))

    private static func backend(
        _ uid: String = "w", ports: [UInt16: UInt16] = [80: 80], status: Workload.Status = .healthy
    ) -> MeshChange {
        .workload(.make(uid, ip: "10.0.0.1", services: ["ns/svc": ports]) { $0.status = status })
    }

    private func endpoints(_ world: World) -> [String] {
        world.snapshot.service(Self.key)?.allEndpoints.map(\.endpoint.workloadUID).sorted() ?? []
    }

    @Test("55: an endpoint waits for its service")
    func staged() {
        var world = World(Self.backend())
        #expect(world.snapshot.stagedEndpoints[Self.key]?.keys.sorted() == ["w"])
        world.apply(Self.service)
        #expect(world.snapshot.stagedEndpoints.isEmpty)
        #expect(endpoints(world) == ["w"])
        #expect(world.snapshot.services(backedBy: "w").map(\.key) == [Self.key])
    }

    @Test("56, 53: the health policy decides on unhealthy endpoints, staged or not")
    func healthPolicy() {
        for order in [[0, 1], [1, 0]] {
            for (policy, expected) in [(LoadBalancer.HealthPolicy.onlyHealthy, [String]()), (.allowAll, ["w"])] {
                let changes: [MeshChange] = [
                    Self.backend(status: .unhealthy),
                    .service(.make("ns/svc") { $0.loadBalancer = LoadBalancer(healthPolicy: policy) }),
                ]
                var world = World()
                for index in order { world.apply(changes[index]) }
                #expect(endpoints(world) == expected)
            }
        }
    }

    @Test("57: a workload that comes again without the service leaves it, staged or not")
    func leavesService() {
        var world = World(Self.backend())
        world.apply(.workload(.make("w", ip: "10.0.0.1")))
        #expect(world.snapshot.stagedEndpoints.isEmpty)
        world.apply(Self.service, Self.backend())
        world.apply(.workload(.make("w", ip: "10.0.0.1")))
        #expect(endpoints(world).isEmpty)
        #expect(world.snapshot.services(backedBy: "w").isEmpty)
    }

    @Test("58: a workload that turns unhealthy is evicted")
    func evicted() {
        var world = World(Self.service, Self.backend())
        world.apply(Self.backend(), Self.backend(status: .unhealthy))
        #expect(endpoints(world).isEmpty)
        world.apply(Self.backend(status: .unhealthy), Self.backend())
        #expect(endpoints(world) == ["w"])
    }

    @Test("59: a new port map wins")
    func newPorts() {
        var world = World(Self.service, Self.backend())
        world.apply(Self.backend(ports: [80: 9999]))
        #expect(world.snapshot.service(Self.key)?.endpoint(workloadUID: "w")?.endpoint.ports == [80: 9999])
    }

    @Test("60: a service that changes its VIPs keeps its endpoints, and every index has the same record")
    func newVIP() throws {
        var world = World(Self.service, Self.backend())
        world.apply(.service(.make("ns/svc", vip: "127.0.0.4", "/10.1.0.0/16")))
        let snapshot = world.snapshot
        #expect(endpoints(world) == ["w"])
        #expect(snapshot.findService(vip: try ip("127.0.0.3"), network: "", clientNamespace: nil) == nil)
        let entry = snapshot.service(Self.key)
        #expect(snapshot.findService(vip: try ip("127.0.0.4"), network: "", clientNamespace: nil) === entry)
        #expect(snapshot.findService(vip: try ip("10.1.2.3"), network: "", clientNamespace: nil) === entry)
        #expect(snapshot.findService(hostname: "svc", clientNamespace: nil) === entry)
    }

    @Test("61: a batch of workloads, service, workloads has every endpoint once")
    func batch() {
        let world = World(Self.backend("a"), Self.backend("b"), Self.service, Self.backend("b"), Self.backend("c"))
        #expect(endpoints(world) == ["a", "b", "c"])
    }

    @Test("63: of two workloads at an address one can go, then the other")
    func sharedAddress() throws {
        var world = World(.workload(.make("a", ip: "10.0.0.1")), .workload(.make("b", ip: "10.0.0.1")))
        #expect(world.snapshot.findWorkload(network: "", ip: try ip("10.0.0.1"))?.uid == "b")
        world.apply(.removeAddress("b"))
        #expect(world.snapshot.findWorkload(network: "", ip: try ip("10.0.0.1"))?.uid == "a")
        world.apply(.removeAddress("a"))
        #expect(world.snapshot.findWorkload(network: "", ip: try ip("10.0.0.1")) == nil)
    }

    @Test("64: a pod comes before a workload entry, and HBONE before plain, whatever the order")
    func ranks() throws {
        let pod = Workload.make("c//Pod/ns/p", ip: "10.0.0.1")
        let hbonePod = Workload.make("c//Pod/ns/h", ip: "10.0.0.1", hbone: true)
        let entry = Workload.make("c/networking.istio.io/WorkloadEntry/ns/e", ip: "10.0.0.1", hbone: true)
        let plain = Workload.make("plain", ip: "10.0.0.1")
        for best in [[plain, entry, pod, hbonePod], [hbonePod, pod, entry, plain], [entry, hbonePod, plain, pod]] {
            var world = World()
            world.apply(best.map { .workload($0) })
            for expected in [hbonePod, pod, entry, plain] {
                #expect(world.snapshot.findWorkload(network: "", ip: try ip("10.0.0.1")) === expected)
                world.apply(.removeAddress(expected.uid))
            }
        }
    }

    @Test("65: a removed service is gone from every index; an unknown name is only reported")
    func removal() throws {
        var world = World(.service(.make("ns/svc", vip: "127.0.0.3", "/10.1.0.0/16")), Self.backend())
        #expect(world.apply(.removeAddress("ns/svc")).unknownRemovals.isEmpty)
        let snapshot = world.snapshot
        #expect(snapshot.service(Self.key) == nil)
        #expect(snapshot.findService(vip: try ip("127.0.0.3"), network: "", clientNamespace: nil) == nil)
        #expect(snapshot.findService(vip: try ip("10.1.2.3"), network: "", clientNamespace: nil) == nil)
        #expect(snapshot.findService(hostname: "svc", clientNamespace: nil) == nil)
        #expect(snapshot.services(backedBy: "w").isEmpty)
        #expect(world.apply(.removeAddress("ns/nothing")).unknownRemovals == ["ns/nothing"])
        #expect(world.apply(.removeAddress("nothing")).unknownRemovals == ["nothing"])
        #expect(world.apply(.removeAddress("c/g/WorkloadEntry/ns/e")).unknownRemovals.isEmpty)
        #expect(world.apply(.removePolicy("ns/p")).unknownRemovals == ["ns/p"])
    }

    @Test("a service that comes back finds its endpoints, unless their workloads went")
    func comesBack() {
        var world = World(Self.service, Self.backend("a"), Self.backend("b"))
        world.apply(.removeAddress("ns/svc"))
        world.apply(.removeAddress("b"))
        world.apply(Self.service)
        #expect(endpoints(world) == ["a"])
    }

    @Test("72: address bytes are 4 or 16", arguments: [(0, false), (4, true), (5, false), (16, true)])
    func addressBytes(count: Int, accepted: Bool) {
        #expect((IPAddress(bytes: [UInt8](repeating: 1, count: count)) != nil) == accepted)
    }

    @Test("74: an identity is forgotten with its last local workload, and warmed for local HBONE and native tunnels")
    func identities() throws {
        func workload(_ uid: String, node: String, hbone: Bool = true, native: Bool = false) -> MeshChange {
            .workload(
                .make(uid, ip: "10.0.0.1", hbone: hbone) {
                    $0.serviceAccount = "sa"
                    $0.node = node
                    $0.nativeTunnel = native
                })
        }
        let identity = try SPIFFEID(parsing: "spiffe://cluster.local/ns/ns/sa/sa")
        var world = World(localNode: "here")
        #expect(world.apply(workload("a", node: "here")).identitiesToWarm == [identity])
        #expect(world.apply(workload("b", node: "here", hbone: false)).identitiesToWarm.isEmpty)
        #expect(world.apply(workload("b", node: "here", hbone: false, native: true)).identitiesToWarm == [identity])
        #expect(world.apply(workload("r", node: "there")).identitiesToWarm.isEmpty)
        #expect(world.apply(.removeAddress("r")).identitiesToForget.isEmpty)
        #expect(world.apply(.removeAddress("a")).identitiesToForget.isEmpty)
        #expect(world.apply(workload("b", node: "here")).identitiesToForget.isEmpty)
        #expect(world.apply(workload("b", node: "there")).identitiesToForget == [identity])
    }

    @Test("the own workload is found among those of this node")
    func ownWorkload() {
        var world = World(localNode: "here")
        for node in ["here", "there"] {
            world.apply(
                .workload(
                    .make(node, ip: "10.0.0.1") {
                        $0.name = "pod"
                        $0.serviceAccount = "sa"
                        $0.node = node
                    }))
        }
        func find(_ name: String, _ account: String) -> String? {
            world.snapshot.findLocalWorkload(name: name, namespace: "ns", serviceAccount: account)?.uid
        }
        #expect(find("pod", "sa") == "here")
        #expect(find("pod", "other") == nil)
        #expect(find("other", "sa") == nil)
    }

    @Test("endpoints that a service names itself are joined with their workloads, before and after")
    func explicitEndpoints() {
        let service = MeshChange.service(
            .make("ns/svc", vip: "127.0.0.3") {
                $0.endpoints["w"] = Endpoint(workloadUID: "w", ports: [80: 1], status: .healthy)
            })
        for changes in [
            [service, .workload(.make("w", ip: "10.0.0.1"))], [.workload(.make("w", ip: "10.0.0.1")), service],
        ] {
            var world = World()
            world.apply(changes)
            #expect(world.snapshot.service(Self.key)?.endpoint(workloadUID: "w")?.workload?.uid == "w")
            world.apply(.removeAddress("w"))
            #expect(endpoints(world).isEmpty)
        }
    }

    @Test("an earlier snapshot does not change")
    func immutable() throws {
        var world = World(Self.service, Self.backend())
        let before = world.snapshot
        world.apply(.removeAddress("w"), .removeAddress("ns/svc"))
        #expect(before.service(Self.key)?.endpointCount == 1)
        #expect(before.findWorkload(network: "", ip: try ip("10.0.0.1")) != nil)
        #expect(world.snapshot.workloadCount == 0)
    }

    @Test("policies are listed by where they hold; their revision moves only when they change")
    func policies() {
        func policy(_ name: String, _ scope: AuthorizationPolicy.Scope) -> AuthorizationPolicy {
            AuthorizationPolicy(name: name, namespace: "ns", scope: scope, action: .allow, rules: [])
        }
        var world = World(
            .policy(policy("g", .global)), .policy(policy("n", .namespace)), .policy(policy("s", .workloadSelector)))
        let before = world.snapshot
        #expect(before.policies(inNamespace: "").all.map(\.key) == ["ns/g"])
        #expect(before.policies(inNamespace: "ns").all.map(\.key) == ["ns/n"])
        let workload = Workload.make("w", ip: "10.0.0.1") { $0.authorizationPolicies = ["ns/s", "ns/none"] }
        #expect(before.policies(selecting: workload).found.map(\.key) == ["ns/s"])
        #expect(before.policies(selecting: workload).missing == ["ns/none"])
        world.apply(.policy(policy("n", .namespace)))
        #expect(world.snapshot.policyRevision == before.policyRevision)
        world.apply(.policy(policy("n", .global)))
        #expect(world.snapshot.policies(inNamespace: "ns").all.isEmpty)
        #expect(world.snapshot.policies(inNamespace: "").all.map(\.key).sorted() == ["ns/g", "ns/n"])
        #expect(world.snapshot.policyRevision != before.policyRevision)
        world.apply(.removePolicy("ns/n"))
        #expect(world.snapshot.policies(inNamespace: "").all.map(\.key) == ["ns/g"])
    }
}
