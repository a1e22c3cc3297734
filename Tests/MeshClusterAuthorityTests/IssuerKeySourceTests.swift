import FakeAPIServer
import MeshClusterAuthority
import MeshTestSupport
import MeshTokens
import Synchronization
import Testing

@Suite("Where keys of tokens come from")
struct IssuerKeySourceTests {
    /// Documents by URL, and what was asked for.
    final class Web: Sendable {
        let documents: [String: String]
        let asked = Mutex<[String]>([])
        init(_ documents: [String: String]) { self.documents = documents }

        struct Missing: Error {}
        var get: IssuerKeySource.Get {
            { url in
                self.asked.withLock { $0.append("\(url)") }
                guard let text = self.documents["\(url)"] else { throw Missing() }
                return Array(text.utf8)
            }
        }
    }

    private static let place = "https://issuer.example:443/.well-known/openid-configuration"

    @Test("the issuer's configuration names them, with a slash at its end or without", arguments: ["", "/"])
    func discovery(end: String) async throws {
        let issuer = "https://issuer.example" + end
        let web = Web([
            Self.place: #"{"issuer":"\#(issuer)","jwks_uri":"https://keys.example/jwks"}"#,
            "https://keys.example:443/jwks": "keys",
        ])
        let bytes = try await IssuerKeySource.discovery.fetch(issuer: issuer, client: nil, get: web.get)()
        #expect(String(decoding: bytes, as: UTF8.self) == "keys")
    }

    @Test(
        "a configuration of another issuer, without keys, or with keys in the clear is refused (C35)",
        arguments: [
            #"{"issuer":"https://other.example","jwks_uri":"https://keys.example/jwks"}"#,
            #"{"jwks_uri":"https://keys.example/jwks"}"#, #"{"issuer":"https://issuer.example"}"#, "no json", "",
            #"{"issuer":"https://issuer.example","jwks_uri":"http://keys.example/jwks"}"#,
            #"{"issuer":"https://issuer.example","jwks_uri":"file:///etc/passwd"}"#,
        ])
    func refused(document: String) async {
        let web = Web([Self.place: document, "https://keys.example:443/jwks": "keys"])
        let fetch = IssuerKeySource.discovery.fetch(issuer: "https://issuer.example", client: nil, get: web.get)
        await #expect(throws: (any Error).self) { try await fetch() }
        #expect(web.asked.withLock { $0 } == [Self.place])
    }

    @Test("a URL in the clear is refused before anything is fetched")
    func insecure() {
        #expect(IssuerKeySource.url("http://a.example/jwks").problem(issuer: "x") != nil)
        #expect(IssuerKeySource.discovery.problem(issuer: "http://issuer.example") != nil)
        #expect(IssuerKeySource.url("https://a.example/jwks").problem(issuer: "x") == nil)
    }

    @Test("the API server has those of its own tokens, and a file those that somebody put there")
    func others() async throws {
        let issuer = TestIssuer()
        let folder = try TemporaryFolder()
        let path = try folder.write("jwks.json", issuer.jwks)
        let web = Web([:])
        let file = try await IssuerKeySource.file(path).fetch(issuer: TestIssuer.issuer, client: nil, get: web.get)()
        #expect(String(decoding: file, as: UTF8.self) == issuer.jwks)
        try await FakeAPIServer.serving(answer: { request in
            request.path == "/openid/v1/jwks" ? .json(issuer.jwks) : .refusal(404, "NotFound")
        }) { _, url in
            try await withClient(url) { client in
                let fetch = IssuerKeySource.apiServer.fetch(issuer: TestIssuer.issuer, client: client, get: web.get)
                let keys = try await fetch()
                #expect(String(decoding: keys, as: UTF8.self) == issuer.jwks)
            }
        }
        #expect(web.asked.withLock { $0 }.isEmpty)
    }
}
