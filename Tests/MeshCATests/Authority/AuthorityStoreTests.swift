import Foundation
import MeshCA
import MeshTestSupport
import Testing

@testable import MeshCA

@Suite("A change of a store")
struct AuthorityStoreTests {
    @Test("begins anew when somebody else was faster, and loses nothing of theirs")
    func contention() async throws {
        let store = try MemoryStore.made()
        for number in 1...3 { store.interrupt { $0[.chain] = "theirs \(number)" } }
        let seen = try await store.change { files throws(AuthorityError) in
            files[.state] = "ours"
            return files[.chain]
        }
        #expect(seen == "theirs 3")
        #expect(store.texts[.chain] == "theirs 3")
        #expect(store.texts[.state] == "ours")
        #expect(store.writes == 1)
    }

    @Test("gives up on somebody who never stops")
    func endless() async throws {
        let store = try MemoryStore.made()
        for _ in 0..<100 { store.interrupt { $0[.chain, default: ""] += "x" } }
        await #expect(throws: AuthorityError.contended(directory: "memory")) {
            try await store.change { files throws(AuthorityError) in files[.state] = "ours" }
        }
        #expect(store.texts[.state] == nil)
    }

    @Test("writes nothing when nothing changes or the change is refused")
    func nothing() async throws {
        let store = try MemoryStore.made()
        try await store.change { files throws(AuthorityError) in files[.state] = files[.state] }
        await #expect(throws: AuthorityError.self) {
            try await store.change { files throws(AuthorityError) in
                files[.state] = "half"
                throw files.refused("no")
            }
        }
        #expect(store.writes == 0)
        #expect(store.texts[.state] == nil)
    }
}

@Suite("A folder as a store")
struct AuthorityFolderStoreTests {
    struct World {
        let folder = try? TemporaryFolder()
        let directory: AuthorityDirectory

        init() throws {
            directory = AuthorityDirectory(try #require(folder).file("ca"))
            _ = try directory.create(trustDomain: try domain(), rootLifetime: 10 * day, now: ManualClock.start)
        }

        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        }
        func read(_ name: String) throws -> String { try #require(folder).read("ca/\(name)") }
    }

    @Test("puts, replaces and removes files in one step, secrets for the owner only")
    func change() async throws {
        let world = try World()
        try await world.directory.change { files throws(AuthorityError) in
            files[.nextKey] = "secret"
            files[.chain] = "chain"
        }
        #expect(try world.folder?.mode("ca/next-key.pem") == 0o600)
        #expect(try world.folder?.mode("ca/cert-chain.pem") == 0o644)
        try await world.directory.change { files throws(AuthorityError) in files[.nextKey] = nil }
        #expect(
            try world.names() == [
                "authority.yaml", "ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem",
            ])
        #expect(try world.read("cert-chain.pem") == "chain")
    }

    @Test("refuses to replace what has changed since it was read, and sees that it has")
    func stale() async throws {
        let world = try World()
        let old = try world.directory.read()
        #expect(!world.directory.hasChanged(since: old))
        try await world.directory.change { files throws(AuthorityError) in files[.chain] = "theirs" }
        #expect(world.directory.hasChanged(since: old))
        #expect(try await world.directory.replace(old, by: old.texts) == false)
        #expect(try world.read("cert-chain.pem") == "theirs")
    }

    @Test("loses no change of many writers at once")
    func writers() async throws {
        let world = try World()
        try await world.directory.change { files throws(AuthorityError) in files[.chain] = "0" }
        let directory = world.directory
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5 {
                        var isDone = false
                        while !isDone {
                            do {
                                try await directory.change { files throws(AuthorityError) in
                                    files[.chain] = "\((Int(files[.chain] ?? "") ?? 0) + 1)"
                                }
                                isDone = true
                            } catch AuthorityError.contended {}
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try world.read("cert-chain.pem") == "40")
    }

    /// Puts the folder in the state that a crash leaves after each step of a transaction.
    @Test("finishes what a crash cut short once the journal is there, and forgets what came before", arguments: 0...4)
    func crash(step: Int) async throws {
        let world = try World()
        let folder = try #require(world.folder)
        let before = try world.read("cert-chain.pem")
        try folder.write("ca/.cert-chain.pem.staged", "new chain")
        if step >= 1 { try folder.write("ca/.state.yaml.staged", "horizon: 7\n") }
        if step >= 2 {
            try folder.write("ca/.transaction", "put cert-chain.pem\nput state.yaml\ndrop next-cert.pem\n")
        }
        if step >= 3 {
            try #require(
                try run("mv", folder.file("ca/.cert-chain.pem.staged"), folder.file("ca/cert-chain.pem")).status == 0)
        }
        if step >= 4 {
            try #require(try run("mv", folder.file("ca/.state.yaml.staged"), folder.file("ca/state.yaml")).status == 0)
        }
        let files = try world.directory.read()
        #expect(files[.chain] == (step >= 2 ? "new chain" : before))
        #expect(try files.state().horizon == (step >= 2 ? 7 : 0))
        #expect(try !world.names().contains(".transaction"))
        // A later change starts clean.
        try await world.directory.change { files throws(AuthorityError) in files[.chain] = "later" }
        #expect(try world.names().filter { $0.hasPrefix(".") && $0 != ".state.yaml.staged" }.isEmpty)
    }

    @Test(
        "follows no journal that names files elsewhere", arguments: ["put ../x\n", "drop ..\n", "put a/b\n", "do x\n"])
    func journal(text: String) async throws {
        let world = try World()
        try world.folder?.write("ca/.transaction", text)
        #expect(throws: AuthorityError.self) { try world.directory.read() }
    }
}
