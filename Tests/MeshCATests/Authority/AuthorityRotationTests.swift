import MeshCA
import Testing
import X509

@Suite("A rotation of the root")
struct AuthorityRotationTests {
    static let now = ManualClock.start
    let store: MemoryStore
    var rotation: AuthorityRotation { AuthorityRotation(store) }

    init() throws { store = try MemoryStore.made(now: Self.now) }

    func authority(_ now: Int64 = now) async throws -> CertificateAuthority {
        try await store.load().authority(trustDomain: nil, now: now)
    }

    func leaf(_ now: Int64 = now, lifetime: Int64 = 3600) async throws -> IssuedLeaf {
        let authority = try await authority(now)
        let leaf = try authority.issue(signingRequest(), to: [identity("a", "b")], lifetime: lifetime, now: now)
        try await IssuanceMemory(store, known: try await store.load().state()).cover(
            notAfter: leaf.notAfter, signedBy: authority.material.signing, now: now)
        return leaf
    }

    func trusts(_ authority: CertificateAuthority, _ leaf: IssuedLeaf) -> Bool {
        authority.material.roots.contains { root in
            root.subject == leaf.certificate.issuer
                && root.publicKey.isValidSignature(leaf.certificate.signature, for: leaf.certificate)
        }
    }

    @Test(
        "hands the new root out, then signs with it, then drops the old one, and every living leaf verifies throughout")
    func stages() async throws {
        let old = try await authority().material.signing
        let early = try await leaf()
        let begun = try await rotation.begin(now: Self.now)
        #expect(begun.phase == .distributing)
        #expect(begun.until >= early.notAfter)
        let distributing = try await authority()
        #expect(distributing.material.signing == old)
        #expect(distributing.material.roots.count == 2)
        #expect(trusts(distributing, early))
        let during = try await leaf(begun.until - 1)
        #expect(try await rotation.advance(now: begun.until - 1) == nil)

        #expect(try await rotation.advance(now: begun.until) == .switched)
        let retiring = try await authority(begun.until)
        #expect(retiring.material.signing == distributing.material.roots[1])
        #expect(retiring.material.signing.subject != old.subject)
        let late = try await leaf(begun.until)
        for leaf in [during, late] {
            // Whoever got a bundle since the rotation began trusts both.
            #expect(trusts(distributing, leaf))
            #expect(trusts(retiring, leaf))
        }
        let until = try #require(try await store.load().state().rotation).until
        #expect(until > during.notAfter)
        #expect(try await rotation.advance(now: until - 1) == nil)
        #expect(try await rotation.advance(now: until) == .finished)
        let after = try await authority(until)
        #expect(after.material.roots == [retiring.material.signing])
        #expect(try await store.load().state().rotation == nil)
        #expect(store.texts[.previousKey] == nil && store.texts[.nextKey] == nil)
        #expect(trusts(after, late))
        #expect(!trusts(after, during))
    }

    @Test("waits for certificates that were signed by the old root at the last moment")
    func lateLeaf() async throws {
        let old = try await authority()
        let begun = try await rotation.begin(overlap: 60, now: Self.now)
        _ = try await rotation.advance(now: begun.until)
        let before = try #require(try await store.load().state().rotation).until
        // A server that has not read the new files yet.
        let leaf = try old.issue(signingRequest(), to: [identity("a", "b")], lifetime: 40 * day, now: begun.until)
        try await IssuanceMemory(store, known: try await store.load().state()).cover(
            notAfter: leaf.notAfter, signedBy: old.material.signing, now: begun.until)
        let after = try #require(try await store.load().state().rotation).until
        #expect(before < leaf.notAfter)
        #expect(after > leaf.notAfter)
    }

    @Test("can be taken back while the new root is only handed out, and not later")
    func cancel() async throws {
        let bundle = store.texts[.roots]
        let begun = try await rotation.begin(now: Self.now)
        try await rotation.cancel()
        #expect(store.texts[.roots] == bundle)
        #expect(store.texts[.nextKey] == nil)
        _ = try await rotation.begin(overlap: 1, now: Self.now)
        #expect(try await rotation.advance(now: begun.until) == .switched)
        await #expect(throws: AuthorityError.self) { try await rotation.cancel() }
    }

    @Test("is not begun twice, and can be hurried")
    func twice() async throws {
        _ = try await rotation.begin(now: Self.now)
        await #expect(throws: AuthorityError.self) { try await rotation.begin(now: Self.now) }
        #expect(try await rotation.advance(force: true, now: Self.now) == .switched)
        #expect(try await rotation.advance(force: true, now: Self.now) == .finished)
        await #expect(throws: AuthorityError.self) { try await rotation.advance(force: true, now: Self.now) }
    }

    @Test("switches before the old root ends, however long certificates live")
    func shortRoot() async throws {
        _ = try await leaf(lifetime: 80 * day)
        let end = Self.now + 365 * day
        let late = end - day
        _ = try await leaf(late, lifetime: day)
        let begun = try await rotation.begin(now: late)
        #expect(begun.until < end)
        #expect(try await rotation.advance(now: begun.until) == .switched)
    }

    @Test("is refused for plug-in certificates, which others replace")
    func plugIn() async throws {
        let root = try TestIssuer("root")
        let signing = try TestIssuer("signing", issuer: root)
        let texts: [AuthorityFiles.Name: String] = [
            .certificate: try signing.pem, .key: try signing.keyPEM, .chain: try signing.pem, .roots: try root.pem,
        ]
        let error = await #expect(throws: AuthorityError.self) {
            try await AuthorityRotation(MemoryStore(texts)).begin(now: Self.now)
        }
        #expect(error.map { "\($0)" }?.contains("replaced by hand") == true)
        var ours = texts
        ours[.settings] = "trustDomain: cluster.local\n"
        await #expect(throws: AuthorityError.self) {
            try await AuthorityRotation(MemoryStore(ours)).begin(now: Self.now)
        }
    }

    @Test("of two replicas is begun by one, and each step is done once")
    func replicas() async throws {
        let begun = try await rotation.begin(now: Self.now)
        let outcomes = await withTaskGroup(of: AuthorityRotation.Step??.self) { group in
            for _ in 0..<8 { group.addTask { try? await rotation.advance(now: begun.until) } }
            return await group.reduce(into: []) { $0.append($1 ?? nil) }
        }
        #expect(outcomes.compactMap { $0 } == [.switched])
        #expect(try await authority(begun.until).material.roots.count == 2)
    }
}
