import MeshControl
import MeshCore
import Synchronization
import Testing

@Suite("Log levels at run time")
struct LogControlTests {
    private func control(_ start: String) throws -> LogControl { LogControl(try LogFilter(parsing: start)) }

    @Test("174: what a change does not name stays")
    func adds() throws {
        let control = try control("info")
        #expect(try control.change(nil, reset: false).description == "info")
        #expect(try control.change("debug", reset: false).description == "debug")
        #expect(try control.change("access=debug,info", reset: false).description == "access=debug,info")
        #expect(try control.change("ztunnel::xds=trace", reset: false).description == "access=debug,xds=trace,info")
        #expect(try control.change("warn", reset: false).description == "access=debug,xds=trace,warn")
    }

    @Test("174: reset goes back to the start first")
    func resets() throws {
        let control = try control("access=off,warn")
        _ = try control.change("access=trace,debug", reset: false)
        #expect(try control.change(nil, reset: true).description == "access=off,warn")
        _ = try control.change("debug", reset: false)
        #expect(try control.change("a=info", reset: true).description == "a=info,access=off,warn")
    }

    @Test(
        "174: a bad level changes nothing",
        arguments: ["invalid_level", "access", "access=", "=debug", "a=b=info", "debug,x=loud"])
    func refuses(levels: String) throws {
        let control = try control("info")
        #expect(throws: MeshFailure.self) { try control.change(levels, reset: true) }
        #expect(control.filter.description == "info")
    }

    @Test("who keeps a level of his own is told")
    func tells() throws {
        let told = Texts()
        let control = LogControl(try LogFilter(parsing: "info")) { told.append($0.description) }
        _ = try control.change("access=debug", reset: false)
        _ = try? control.change("loud", reset: false)
        #expect(told.all == ["access=debug,info"])
    }

    private final class Texts: Sendable {
        private let list = Mutex<[String]>([])
        func append(_ text: String) { list.withLock { $0.append(text) } }
        var all: [String] { list.withLock { $0 } }
    }
}
