import Logging
import MeshCA
import MeshCore
import Testing
import X509

@Suite("A served authority and its store")
struct AuthorityKeeperTests {
    struct World {
        let store: MemoryStore
        let clock = ManualClock()
        let log = RecordedLog()
        let issuance: CertificateIssuance
        let keeper: AuthorityKeeper
        let audit: AuditFiles

        init(_ store: MemoryStore? = nil, maintains: Bool = true) async throws {
            self.store = try store ?? MemoryStore.made(rootLifetime: 1000 * day)
            let files = try await self.store.load()
            audit = try AuditFiles()
            var issuance = CertificateIssuance(
                slot: AuthoritySlot(try files.authority(trustDomain: nil, now: ManualClock.start)),
                callers: ScriptedAuthorization("node", try identity("a", "b")), clock: clock, logger: log.logger)
            issuance.audit = try AuditLog(audit.path, now: 0)
            issuance.memory = IssuanceMemory(self.store, known: try files.state())
            self.issuance = issuance
            keeper = AuthorityKeeper(
                self.store, files: files, issuance: issuance, lifetimes: LifetimePolicy(), maintains: maintains)
        }

        var signing: Certificate { issuance.authority.material.signing }
        var roots: [Certificate] { issuance.authority.material.roots }
        func errors() -> [String] { log.lines.filter { $0.level == .error }.compactMap { $0.metadata["reason"] } }
    }

    @Test("is taken over when it changes, and left alone when it does not")
    func reload() async throws {
        let world = try await World()
        await world.keeper.look()
        #expect(world.log.lines.isEmpty)
        let other = try TestIssuer("other")
        world.store.set(.roots, (world.store.texts[.roots] ?? "") + (try other.pem))
        await world.keeper.look()
        #expect(world.roots.count == 2)
        #expect(world.log.lines.map(\.message) == ["authority reloaded"])
        #expect(try world.audit.lines().last?.contains("\"event\":\"reloaded\"") == true)
    }

    @Test("that is not usable leaves the one before it, and is reported once until it is (C72)")
    func broken() async throws {
        let world = try await World()
        let (good, before) = (world.store.texts[.key], world.signing)
        world.store.set(.key, try TestIssuer("x").keyPEM)
        for _ in 0..<3 { await world.keeper.look() }
        #expect(world.signing == before)
        #expect(world.errors().count == 1)
        #expect(world.errors()[0].contains("private key does not belong"))
        world.store.set(.key, good)
        await world.keeper.look()
        #expect(world.log.lines.last?.message == "authority reloaded")
    }

    /// C80, whatever ISTIO_MULTIROOT_MESH would say.
    @Test(
        "may gain roots or lose roots, and not swap them",
        arguments: ["superset", "subset", "reordered", "partial", "disjoint"])
    func roots(how: String) async throws {
        let own = try TestIssuer("root"), a = try TestIssuer("a"), b = try TestIssuer("b")
        func texts(_ roots: [TestIssuer]) throws -> String { try roots.map { try $0.pem }.joined() }
        let store = MemoryStore([
            .certificate: try own.pem, .key: try own.keyPEM, .chain: "", .roots: try texts([own, a]),
            .settings: "trustDomain: cluster.local\n",
        ])
        let world = try await World(store)
        var isTaken = true
        switch how {
        case "superset": store.set(.roots, try texts([own, a, b]))
        case "subset": store.set(.roots, try texts([own]))
        case "reordered": store.set(.roots, try texts([a, own]))
        case "partial":
            store.set(.roots, try texts([own, b]))
            isTaken = false
        default:
            let other = try TestIssuer("other")
            store.set(.certificate, try other.pem)
            store.set(.key, try other.keyPEM)
            store.set(.roots, try texts([other]))
            isTaken = false
        }
        await world.keeper.look()
        #expect(world.errors().isEmpty == isTaken, "\(world.errors())")
        if !isTaken { #expect(Set(world.roots) == [own.certificate, a.certificate]) }
    }

    @Test("gets a new root by itself when a fifth of the old one's life is left, step by step")
    func rotation() async throws {
        let world = try await World()
        let old = world.signing
        world.clock.set(.seconds(ManualClock.start + 800 * day - 1))
        await world.keeper.look()
        #expect(world.roots.count == 1)
        world.clock.advance(.seconds(1))
        await world.keeper.look()
        #expect(world.roots.count == 2)
        #expect(world.signing == old)
        for (roots, isOld) in [(2, false), (1, false)] {
            let until = try #require(try await world.store.load().state().rotation).until
            world.clock.set(.seconds(until))
            await world.keeper.look()
            await world.keeper.look()
            #expect(world.roots.count == roots)
            #expect((world.signing == old) == isOld)
        }
        let words = try world.audit.lines().filter { $0.contains("\"event\":\"rotation\"") }
        #expect(words.count == 3)
    }

    @Test("is not written to by a server that does not maintain it")
    func readOnly() async throws {
        let world = try await World(maintains: false)
        world.clock.set(.seconds(ManualClock.start + 900 * day))
        await world.keeper.look()
        #expect(world.store.writes == 0)
    }

    @Test("that does not answer is reported once, and serves on")
    func away() async throws {
        let world = try await World()
        world.clock.set(.seconds(ManualClock.start + 800 * day))
        world.store.fail(.store(directory: "memory", reason: "away"))
        for _ in 0..<3 { await world.keeper.look() }
        #expect(world.errors() == ["memory: away"])
        world.store.fail(nil)
        await world.keeper.look()
        #expect(world.roots.count == 2)
    }
}
