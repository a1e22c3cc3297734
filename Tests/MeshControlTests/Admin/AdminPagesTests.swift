import Foundation
import MeshCore
import Testing

@testable import MeshControl

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Admin pages")
struct AdminPagesTests {
    @Test("the dashboard links every page", arguments: ["/config_dump", "/stats", "/connections", "/tunnels"])
    func dashboard(path: String) async throws {
        let page = try await AdminFixture().pages().answer(.init(path: "/"))
        #expect(page.status == 200 && page.contentType.hasPrefix("text/html"))
        #expect(page.text.contains("<a href=\"\(path)\">"))
    }

    @Test(
        "what is not there is not found",
        arguments: ["/debug/pprof/profile", "/debug/pprof/heap", "/config_dump/", "/nothing", ""])
    func notFound(path: String) async throws {
        #expect(try await AdminFixture().pages().answer(.init(path: path)).status == 404)
    }

    @Test("173: quitquitquit and drain by POST only, and not for web pages", arguments: ["/quitquitquit", "/drain"])
    func quit(path: String) async throws {
        let fixture = try AdminFixture()
        let pages = try fixture.pages()
        #expect(await pages.answer(.init(path: path)).status == 405)
        var fromPage = AdminServer.Question(method: "POST", path: path)
        fromPage.origin = "https://example.com"
        #expect(await pages.answer(fromPage).status == 403)
        #expect(fixture.drains.isEmpty)
        let answer = await pages.answer(.init(method: "POST", path: path))
        #expect(answer.status == 200 && answer.text == (path == "/drain" ? "draining\n" : "shutdown now\n"))
        #expect(fixture.drains.isEmpty, "the answer goes first")
        answer.after?()
        #expect(fixture.drains.count == 1)
    }

    struct LevelChange: Sendable, CustomTestStringConvertible {
        let query: [String: String]
        let status: Int
        let levels: String
        var testDescription: String { "\(query)" }
    }

    static let levelChanges = [
        LevelChange(query: [:], status: 200, levels: "info"),
        LevelChange(query: ["reset": ""], status: 200, levels: "info"),
        LevelChange(query: ["level": ""], status: 200, levels: "info"),
        LevelChange(query: ["level": "debug"], status: 200, levels: "debug"),
        LevelChange(query: ["level": "access=debug,info"], status: 200, levels: "access=debug,info"),
        LevelChange(query: ["level": "invalid_level"], status: 400, levels: "info"),
        LevelChange(query: ["level": "access", "reset": "true"], status: 400, levels: "info"),
    ]

    @Test("174: logging answers with the levels in force, or with help", arguments: levelChanges)
    func logging(_ asked: LevelChange) async throws {
        let fixture = try AdminFixture()
        let pages = try fixture.pages()
        let answer = await pages.answer(.init(method: "POST", path: "/logging", query: asked.query))
        #expect(answer.status == asked.status && fixture.log.filter.description == asked.levels)
        if asked.status == 200 {
            #expect(answer.text == "current log level is hickory_server::server=off,\(asked.levels)\n")
        } else {
            #expect(answer.text.contains("usage: POST /logging"))
        }
        #expect(await pages.answer(.init(path: "/logging", query: asked.query)).status == 405)
    }

    @Test("explains for the proxy's own workload unless told otherwise; a bad question is answered with its reason")
    func explain() async throws {
        let pages = try AdminFixture().pages()
        func ask(_ query: [String: String]) async -> AdminServer.Answer {
            await pages.answer(.init(path: "/explain", query: query))
        }
        let own = try JSONDecoder().decode(ConnectionExplanation.self, from: Data(await ask(["to": "web:80"]).bytes))
        #expect(own.from.name == "shop/cart" && own.verdict == .allowed)
        let plain = await ask(["to": "10.0.0.2:80", "from": "192.0.2.1", "plaintext": "true"])
        #expect(try JSONDecoder().decode(ConnectionExplanation.self, from: Data(plain.bytes)).route.decision == .direct)
        #expect(await ask([:]).status == 400)
        #expect(await ask(["to": "nobody:80"]).status == 404)
        #expect(await ask(["to": "x"]).text.hasPrefix("\"x\" is not address:port"))
    }

    @Test("readiness: GET only, and says what it waits for")
    func readiness() {
        let readiness = Readiness(pending: ["proxy", "certificate"])
        #expect(readiness.answer(.init(path: "/healthz/ready")).text == "not ready, pending: certificate, proxy\n")
        #expect(readiness.answer(.init(method: "POST", path: "/healthz/ready")).status == 405)
        #expect(readiness.answer(.init(path: "/")).status == 404)
        readiness.complete("proxy")
        readiness.complete("certificate")
        let ready = readiness.answer(.init(path: "/healthz/ready"))
        #expect(ready.status == 200 && ready.text == "ready\n")
    }

    // MARK: Metrics

    private static let metrics = MetricsPage(istioVersion: "1.2\"3\r\n4", traffic: { "# TYPE a counter\na_total 1\n" })

    @Test(
        "176: the content type is that of OpenMetrics for whoever lists it",
        arguments: [
            ("", false), ("text/plain", false), ("*/*", false), ("application/openmetrics-text", true),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true),
        ])
    func contentType(accept: String, isOpenMetrics: Bool) {
        for path in ["/metrics", "/stats/prometheus"] {
            let answer = Self.metrics.answer(.init(path: path, accept: accept))
            #expect(
                answer.contentType
                    == (isOpenMetrics
                        ? "application/openmetrics-text;charset=utf-8;version=1.0.0" : "text/plain; charset=utf-8"))
            #expect(answer.text.hasSuffix("# EOF\n"))
        }
    }

    @Test("176: build and descriptors are there, marked as unstable")
    func families() throws {
        let text = Self.metrics.answer(.init(path: "/metrics")).text
        #expect(text.contains("istio_build{component=\"ztunnel\",tag=\"1.2\\\"3\r\\n4\"} 1\n"))
        func value(_ name: String) throws -> Int {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name) ") })
            return try #require(Int(line.dropFirst(name.count + 1)))
        }
        #expect(try value("process_open_fds") > 2)
        #expect(try value("process_max_fds") >= value("process_open_fds"))
        for help in text.split(separator: "\n").filter({ $0.hasPrefix("# HELP") }) {
            #expect(help.hasSuffix("(unstable)."))
        }
    }
}
