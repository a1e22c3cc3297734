import Glibc
import MeshCA
import MeshTestSupport
import Testing

@Suite("A set of files")
struct FileSetTests {
    @Test("gets the modes asked for in a private folder, and leaves nothing else")
    func modes() throws {
        let folder = try TemporaryFolder()
        let set = FileSet([.init("key", "secret", mode: 0o600), .init("cert", "public")])
        try set.write(to: folder.file("new"), existing: .refuse)
        #expect(try folder.mode("new") == 0o700)
        #expect(try folder.mode("new/key") == 0o600)
        #expect(try folder.mode("new/cert") == 0o644)
        #expect(try folder.read("new/cert") == "public")
        try set.write(to: folder.file("new"), existing: .replace)
        #expect(try run("ls", "-A", folder.file("new")).output == "cert\nkey\n")
    }

    @Test("refuses when any name is taken, and takes back what it had placed")
    func refuses() throws {
        let folder = try TemporaryFolder()
        try folder.write("b", "old")
        let error = #expect(throws: FileError.self) {
            try FileSet([.init("a", "new"), .init("b", "new")]).write(to: folder.path, existing: .refuse)
        }
        #expect(error?.isAlreadyThere == true)
        #expect(try folder.names() == ["b"])
        #expect(try folder.read("b") == "old")
    }

    @Test("leaves no file and no folder when one cannot be written")
    func failure() throws {
        let folder = try TemporaryFolder()
        let tooLong = String(repeating: "x", count: 300)
        #expect(throws: FileError.self) {
            try FileSet([.init("a", "1"), .init(tooLong, "2")]).write(to: folder.file("new"), existing: .refuse)
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("leaves nothing behind on a full disk", .enabled(if: geteuid() == 0, "mounting a small disk needs root"))
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        try #require(try run("mount", "-t", "tmpfs", "-o", "size=16k", "meshca-test", folder.path).status == 0)
        defer { _ = try? run("umount", folder.path) }
        let error = #expect(throws: FileError.self) {
            try FileSet([.init("a", "1"), .init("b", String(repeating: "x", count: 1 << 16))])
                .write(to: folder.path, existing: .refuse)
        }
        #expect(error.map { "\($0)" }?.hasSuffix("no space left on device (errno 28)") == true)
        #expect(try folder.names().isEmpty)
    }

    @Test("replaces whole files: a reader sees the old or the new one")
    func replaces() throws {
        let folder = try TemporaryFolder()
        try folder.write("a", "old and longer")
        let before = try #require(FileStamp(path: folder.file("a")))
        try FileSet([.init("a", "new")]).write(to: folder.path, existing: .replace)
        #expect(try folder.read("a") == "new")
        #expect(FileStamp(path: folder.file("a")) != before)
    }
}

@Suite("Reading files")
struct FileReadingTests {
    @Test("refuses a secret that others can read or change", arguments: [0o640, 0o604, 0o620, 0o601])
    func exposed(mode: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("key", "secret", mode: mode)
        #expect(throws: FileError.exposed(path: path, mode: UInt32(mode))) {
            try FileReading.text(path, secrecy: .ownerOnly)
        }
        #expect(try FileReading.text(path) == "secret")
    }

    @Test("stops at the limit, and refuses what is not text")
    func limits() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a", String(repeating: "x", count: 100_000))
        #expect(try FileReading.bytes(path, limit: 100_000).bytes.count == 100_000)
        #expect(throws: FileError.tooLarge(path: path, limit: 99_999)) {
            try FileReading.bytes(path, limit: 99_999)
        }
        #expect(throws: FileError.self) { try FileReading.text("/bin/true") }
        #expect(throws: FileError.self) { try FileReading.text(folder.file("missing")) }
    }
}
