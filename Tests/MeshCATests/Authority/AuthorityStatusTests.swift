import MeshCA
import MeshCore
import MeshTestSupport
import Testing

@Suite("The status of an authority")
struct AuthorityStatusTests {
    static let now = ManualClock.start
    let folder: TemporaryFolder
    var directory: AuthorityDirectory { AuthorityDirectory(folder.file("ca")) }

    init() throws {
        folder = try TemporaryFolder()
        _ = try directory.create(trustDomain: try domain(), rootLifetime: 100 * day, now: Self.now)
    }

    func status(_ now: Int64 = now) async throws -> AuthorityStatus {
        try await AuthorityStatus.read(
            OfflineAuthority(directory, caller: "", clock: ManualClock(.seconds(now))))
    }

    func problems(_ now: Int64 = now) async throws -> [String] { try await status(now).problems }

    @Test("names nothing while all is well")
    func well() async throws {
        #expect(try await problems().isEmpty)
        #expect(try await problems(Self.now + 80 * day - 1).isEmpty)
    }

    @Test("asks for a rotation when a fifth of the signer's life is left, and not while one is under way")
    func nearEnd() async throws {
        let late = Self.now + 80 * day
        #expect(try await problems(late).first?.contains("meshctl ca rotate") == true)
        let begun = try await AuthorityRotation(directory).begin(now: late)
        #expect(try await problems(late).isEmpty)
        #expect(try await problems(begun.until).first?.contains("meshctl ca rotate --advance") == true)
    }

    @Test("asks for a fresh list when one has ended")
    func listEnded() async throws {
        let issued = try await RevocationIssuer(directory).issue(now: Self.now)
        #expect(try await problems(issued.nextUpdate - 1).isEmpty)
        #expect(try await problems(issued.nextUpdate).first?.contains("meshctl ca crl --renew") == true)
    }

    @Test("says that the audit log is broken")
    func audit() async throws {
        try AuditFolder.note(AuditRecord(.created, time: 0), beside: directory.path)
        #expect(try await status().audit?.records == 1)
        try folder.write("ca/audit/audit-00000000000000000001.jsonl", "junk\n")
        #expect(try await problems().first?.hasPrefix("audit log: ") == true)
    }

    @Test("of an authority past its end is an error that says so")
    func ended() async throws {
        let failure = await #expect(throws: MeshFailure.self) { try await problems(Self.now + 100 * day) }
        #expect(failure?.kind == .corrupt)
        #expect(failure.map { "\($0)" }?.contains("is valid from") == true)
    }
}

@Suite("A serial number as text")
struct SerialTextTests {
    @Test(
        "is read with and without colons, in either case",
        arguments: [("0a", [10]), ("A", [10]), ("01:fF", [1, 255])] as [(String, [UInt8])])
    func read(text: String, bytes: [UInt8]) { #expect(HexText.bytes(text) == bytes) }

    @Test("is refused", arguments: ["", "0x1", "+1", "-1", "1 2", "g", "ü", String(repeating: "0", count: 42)])
    func refused(text: String) { #expect(HexText.bytes(text) == nil) }
}
