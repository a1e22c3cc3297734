import Glibc
import MeshCore
import MeshTestSupport
import NIOHTTP1
import Testing

@testable import MeshCA

@Suite("The pages of a served authority")
struct AuthorityPagesTests {
    func pages(
        _ authorization: any CallerAuthorization, store: MemoryStore? = nil
    ) async throws -> (AuthorityPages, CertificateIssuance, ManualClock) {
        let clock = ManualClock()
        let authority = try await (store ?? MemoryStore.made()).load().authority(
            trustDomain: nil, now: ManualClock.start)
        let issuance = CertificateIssuance(
            slot: AuthoritySlot(authority), callers: authorization, clock: clock, logger: RecordedLog().logger)
        let pages = AuthorityPages(issuance)
        return (pages, issuance, clock)
    }

    private struct Blind: CallerAuthorization {
        func grant(
            _ credentials: PresentedCredentials, impersonated: String, authority: CertificateAuthority, now: Int64
        ) async throws(Refusal) -> CallerGrant { throw .unauthenticated(reason: "") }
        func reload() {}
        var obstacle: String? { "pods are not listed" }
    }

    @Test("say ready only when a request would get a certificate, and what is missing otherwise")
    func readiness() async throws {
        let (pages, _, clock) = try await self.pages(ScriptedAuthorization("x", try identity("a", "b")))
        #expect(pages.page("/healthz/ready").status == .serviceUnavailable)
        #expect(pages.page("/healthz").status == .ok)
        pages.isReady = true
        #expect(pages.page("/healthz/ready").status == .ok)
        clock.advance(.seconds(366 * day))
        #expect(pages.page("/healthz/ready").body.contains("expired"))

        let (blind, _, _) = try await self.pages(Blind())
        blind.isReady = true
        #expect(blind.page("/healthz/ready").status == .serviceUnavailable)
        #expect(blind.page("/healthz/ready").body.contains("pods are not listed"))
    }

    @Test("hand out the bundle and the revocation lists, and nothing secret")
    func files() async throws {
        let store = try MemoryStore.made()
        let (none, _, _) = try await self.pages(ScriptedAuthorization("x"), store: store)
        #expect(none.page("/bundle").body == store.texts[.roots])
        #expect(none.page("/crl").status == .notFound)
        let issued = try await RevocationIssuer(store).issue(now: ManualClock.start)
        let (pages, _, _) = try await self.pages(ScriptedAuthorization("x"), store: store)
        #expect(pages.page("/crl").body == issued.pem)
        for path in ["/", "/ca-key.pem", "/../ca-key.pem", "/bundle/", "/metrics/"] {
            #expect(pages.page(path[...]).status == .notFound)
        }
        for path in ["/bundle", "/crl", "/metrics", "/healthz/ready"] {
            #expect(!pages.page(path[...]).body.contains("PRIVATE"))
        }
    }

    @Test("are served over HTTP, only to be read")
    func http() async throws {
        let (pages, _, _) = try await self.pages(ScriptedAuthorization("x"))
        let address = try #require(try await pages.listen(on: SocketAddress(.loopbackV4, 0)))
        func ask(_ line: String) throws -> String {
            let script =
                "exec 3<>/dev/tcp/127.0.0.1/\(address.port); printf '%b' '\(line) HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
            return try run("bash", "-c", script).output
        }
        let metrics = try ask("GET /metrics?x=y")
        #expect(metrics.hasPrefix("HTTP/1.0 200 OK"))
        #expect(metrics.contains("version=0.0.4"))
        #expect(metrics.contains("\ncitadel_server_csr_count 0\n"))
        #expect(try ask("POST /bundle").hasPrefix("HTTP/1.0 405"))
        #expect(try ask("HEAD /bundle").contains("content-length"))
        #expect(try !ask("HEAD /bundle").contains("BEGIN"))
        #expect(try ask("GET /nothing").hasPrefix("HTTP/1.0 404"))
        await pages.close()
    }

    @Test("metrics are well-formed: each name has help and type before its values")
    func form() async throws {
        let (pages, _, _) = try await self.pages(ScriptedAuthorization("x"))
        var typed: Set<Substring> = []
        for line in pages.page("/metrics").body.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if words[0] == "#" {
                if words[1] == "TYPE" { #expect(typed.insert(words[2]).inserted, "\(line)") }
                continue
            }
            let name = words[0].prefix { $0 != "{" }
            let family = ["_bucket", "_sum", "_count"].lazy.filter { name.hasSuffix($0) }.map {
                name.dropLast($0.count)
            }
            #expect(typed.contains(name) || family.contains { typed.contains($0) }, "\(line)")
            #expect(words.count == 2 && Double(words[1]) != nil, "\(line)")
        }
    }
}

@Suite("The lock of a server")
struct ServingLockTests {
    @Test("keeps a second one away and names the first, until that lets go")
    func second() throws {
        let folder = try TemporaryFolder()
        var first: ServingLock? = try ServingLock(folder.path)
        #expect(throws: AuthorityError.served(directory: folder.path, process: "\(getpid())")) {
            try ServingLock(folder.path)
        }
        withExtendedLifetime(first) {}
        first = nil
        _ = try ServingLock(folder.path)
        #expect(try folder.mode(".serving") == 0o600)
    }
}
