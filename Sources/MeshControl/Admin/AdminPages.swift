import FoundationEssentials
import MeshCore

/// What the pages of the admin port show and do; the proxy behind it.
package struct AdminSubject: Sendable {
    package var dump: @Sendable () async -> ConfigDump
    package var view: @Sendable () async -> MeshView
    package var status: @Sendable () async -> ProxyStatus
    package var connections: @Sendable () async -> [ConnectionDump]
    package var tunnels: @Sendable () async -> [HBONETunnelDump]
    package var log: LogControl
    /// Begins a drain, as SIGTERM does; the process ends with it.
    package var drain: @Sendable (_ cause: String) -> Void

    package init(
        dump: @escaping @Sendable () async -> ConfigDump, view: @escaping @Sendable () async -> MeshView,
        status: @escaping @Sendable () async -> ProxyStatus,
        connections: @escaping @Sendable () async -> [ConnectionDump],
        tunnels: @escaping @Sendable () async -> [HBONETunnelDump], log: LogControl,
        drain: @escaping @Sendable (_ cause: String) -> Void
    ) {
        self.dump = dump
        self.view = view
        self.status = status
        self.connections = connections
        self.tunnels = tunnels
        self.log = log
        self.drain = drain
    }
}

/// The answers of the admin port.
///
/// Source: spec of the node proxy, section 18; `/stats`, `/connections`, `/tunnels`, `/explain` and `/drain` are ours.
package struct AdminPages: Sendable {
    private let subject: AdminSubject

    package init(_ subject: AdminSubject) { self.subject = subject }

    package func answer(_ question: AdminServer.Question) async -> AdminServer.Answer {
        switch question.path {
        case "/": Self.dashboard
        case "/config_dump": .init(contentType: Self.json, bytes: await subject.dump().json)
        case "/stats": Self.encoded(await subject.status())
        case "/connections": Self.encoded(await subject.connections())
        case "/tunnels": Self.encoded(await subject.tunnels())
        case "/explain": await explain(question)
        case "/logging": change(question) { logging(question) }
        case "/quitquitquit": change(question) { ending("quitquitquit", "shutdown now\n") }
        case "/drain": change(question) { ending("admin port", "draining\n") }
        default: .init(status: 404, text: "not found; the pages are listed at /\n")
        }
    }

    private static let json = "application/json"

    static func encoded(_ value: some Encodable) -> AdminServer.Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            return .init(status: 500, text: "the answer cannot be written\n")
        }
        return .init(contentType: json, bytes: Array(data))
    }

    /// A page that changes something: by POST, and never on behalf of a web page that somebody has open on this machine.
    private func change(
        _ question: AdminServer.Question, _ body: () -> AdminServer.Answer
    ) -> AdminServer.Answer {
        guard question.method == "POST" else { return .init(status: 405, text: "method not allowed; use POST\n") }
        guard question.origin == nil else { return .init(status: 403, text: "not for web pages\n") }
        return body()
    }

    private func ending(_ cause: String, _ text: String) -> AdminServer.Answer {
        var answer = AdminServer.Answer(text: text)
        answer.after = { [subject] in subject.drain(cause) }
        return answer
    }

    // MARK: Logging

    /// ztunnel switches a library of its own off in front of whatever it is told, and says so; tools compare the text.
    static let logLevelLead = "current log level is hickory_server::server=off,"

    private func logging(_ question: AdminServer.Question) -> AdminServer.Answer {
        let levels = question.query["level"].flatMap { $0.isEmpty ? nil : $0 }
        do throws(MeshFailure) {
            let filter = try subject.log.change(levels, reset: question.query["reset"] != nil)
            return .init(text: "\(Self.logLevelLead)\(filter)\n")
        } catch {
            return .init(status: 400, text: "\(error.reason)\n\n\(Self.loggingHelp)")
        }
    }

    private static let loggingHelp = """
        usage: POST /logging                       show the levels
               POST /logging?level=<level>         off, error, warn, info, debug or trace for all targets
               POST /logging?level=<target>=<level>,<level>
               POST /logging?reset                 go back to the levels of the start; may be joined with level

        """

    // MARK: Explaining

    private func explain(_ question: AdminServer.Question) async -> AdminServer.Answer {
        guard let to = question.query["to"] else {
            return .init(status: 400, text: "say where to: /explain?from=NAMESPACE/NAME&to=ADDRESS:PORT\n")
        }
        let asked = ConnectionQuestion(
            from: question.query["from"].flatMap { $0.isEmpty ? nil : $0 }, to: to,
            isPlaintext: question.query["plaintext"] == "true")
        do throws(MeshFailure) {
            return Self.encoded(try await subject.view().explain(asked))
        } catch {
            return .init(status: error.kind == .notFound ? 404 : 400, text: "\(error.reason)\n")
        }
    }

    // MARK: Dashboard

    private static let pages: [(path: String, method: String, text: String)] = [
        ("/config_dump", "GET", "every record, setting and certificate"),
        ("/stats", "GET", "how the proxy is doing"),
        ("/connections", "GET", "open connections"),
        ("/tunnels", "GET", "HBONE connections with other proxies"),
        ("/explain?to=ADDRESS:PORT", "GET", "why a connection goes where it goes; also from= and plaintext=true"),
        ("/logging", "POST", "show the log levels; ?level= and ?reset change them"),
        ("/drain", "POST", "stop accepting, let connections finish until the deadline, end"),
        ("/quitquitquit", "POST", "the same"),
    ]

    private static let dashboard: AdminServer.Answer = {
        let rows = pages.map { page in
            let name = page.method == "GET" ? "<a href=\"\(page.path)\">\(page.path)</a>" : page.path
            return "<tr><td>\(page.method)</td><td>\(name)</td><td>\(page.text)</td></tr>"
        }
        return .init(
            contentType: "text/html; charset=utf-8",
            text: """
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8"><title>meshctl ztunnel</title></head>
                <body><h1>meshctl ztunnel</h1>
                <table>
                \(rows.joined(separator: "\n"))
                </table>
                <p>Metrics and readiness have ports of their own, 15020 and 15021 unless set otherwise.</p>
                </body></html>

                """)
    }()
}
