import MeshCA
import MeshCore
import MeshTestSupport
import Testing
import X509

@Suite("An authority's folder")
struct AuthorityDirectoryTests {
    static let now = ManualClock.start
    static let names = ["authority.yaml", "ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"]

    func create(_ folder: TemporaryFolder, _ name: String = "ca") throws -> CertificateAuthority {
        try AuthorityDirectory(folder.file(name)).create(
            trustDomain: try domain("mesh.example"), rootLifetime: 10 * day, now: Self.now)
    }

    func open(_ path: String, _ trustDomain: TrustDomain? = nil, now: Int64 = now) throws -> CertificateAuthority {
        try AuthorityDirectory(path).open(trustDomain: trustDomain, lifetimes: LifetimePolicy(), now: now)
    }

    @Test("is made complete, private and with the root's profile")
    func made() throws {
        let folder = try TemporaryFolder()
        let root = try create(folder).material.signing
        #expect(try run("ls", "-A", folder.file("ca")).output == Self.names.joined(separator: "\n") + "\n")
        #expect(try folder.mode("ca") == 0o700)
        #expect(try folder.mode("ca/ca-key.pem") == 0o600)
        #expect("\(root.subject)" == "O=mesh.example")
        #expect(root.issuer == root.subject)
        #expect(UnixTime.seconds(root.notValidBefore) == Self.now)
        #expect(UnixTime.seconds(root.notValidAfter) == Self.now + 10 * day)
        #expect(try root.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(try root.extensions.subjectKeyIdentifier != nil)
        #expect(try root.extensions.authorityKeyIdentifier == nil)
        #expect(try root.extensions.subjectAlternativeNames == nil)
        guard case .isCertificateAuthority(let length)? = try root.extensions.basicConstraints else {
            Issue.record("no CA")
            return
        }
        #expect(length == nil)
    }

    @Test("opens again as the same authority, with its trust domain")
    func reopened() throws {
        let folder = try TemporaryFolder()
        let made = try create(folder)
        let opened = try open(folder.file("ca"))
        #expect(opened.trustDomain.name == "mesh.example")
        #expect(opened.material.signing == made.material.signing)
        #expect(opened.reply(for: try opened.issue(signingRequest(), to: [identity("a", "b")])).count == 2)
    }

    @Test("is never overwritten, not even where only one file is left")
    func twice() throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        let key = try folder.read("ca/ca-key.pem")
        #expect(throws: AuthorityError.exists(path: folder.file("ca/ca-key.pem"))) { try create(folder) }
        #expect(try folder.read("ca/ca-key.pem") == key)
        for name in Self.names.dropLast() { _ = try run("rm", folder.file("ca/\(name)")) }
        #expect(throws: AuthorityError.exists(path: folder.file("ca/root-cert.pem"))) { try create(folder) }
        #expect(try run("ls", "-A", folder.file("ca")).output == "root-cert.pem\n")
    }

    @Test(
        "is refused when half there, by the name of what is missing (C73)",
        arguments: ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"])
    func half(missing: String) throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        _ = try run("rm", folder.file("ca/\(missing)"))
        #expect(throws: AuthorityError.incomplete(directory: folder.file("ca"), missing: [missing])) {
            try open(folder.file("ca"))
        }
    }

    @Test("is not found where there is nothing")
    func nothing() throws {
        let folder = try TemporaryFolder()
        #expect(throws: AuthorityError.notFound(directory: folder.path)) { try open(folder.path) }
    }

    @Test("is refused when others can read the key")
    func exposedKey() throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        _ = try run("chmod", "644", folder.file("ca/ca-key.pem"))
        #expect(throws: AuthorityError.file(.exposed(path: folder.file("ca/ca-key.pem"), mode: 0o644))) {
            try open(folder.file("ca"))
        }
    }

    @Test("takes its trust domain from the file or from the caller, and refuses two that differ")
    func trustDomains() throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        let path = folder.file("ca")
        let other = try domain("other.example")
        let differs = AuthorityError.trustDomainDiffers(directory: path, stored: "mesh.example", given: "other.example")
        #expect(throws: differs) { try open(path, other) }
        _ = try run("rm", folder.file("ca/authority.yaml"))
        #expect(throws: AuthorityError.trustDomainUnknown(directory: path)) { try open(path) }
        #expect(try open(path, other).trustDomain == other)
    }

    @Test("names file, line and key of settings that it does not know")
    func unknownSetting() throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        let path = try folder.write("ca/authority.yaml", "trustDomain: mesh.example\nttl: 3\n")
        let error = #expect(throws: AuthorityError.self) { try open(folder.file("ca")) }
        #expect(error.map { "\($0)" }?.contains("\(path):2: unknown key \"ttl\"") == true)
    }

    @Test("refuses lifetimes that make no sense", arguments: [0, -1, Int64.max] as [Int64])
    func lifetimes(rootLifetime: Int64) throws {
        let folder = try TemporaryFolder()
        #expect(throws: AuthorityError.self) {
            try AuthorityDirectory(folder.file("ca")).create(
                trustDomain: try domain(), rootLifetime: rootLifetime, now: Self.now)
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("refuses an authority past its end")
    func expired() throws {
        let folder = try TemporaryFolder()
        _ = try create(folder)
        #expect(throws: AuthorityError.self) { try open(folder.file("ca"), now: Self.now + 10 * day) }
    }
}
