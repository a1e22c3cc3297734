import ArgumentParser
import MeshCore
import MeshReport
import Testing

@testable import MeshCommands

@Suite("meshctl redirect plan")
struct RedirectPlanTests {
    /// Name of the golden file, and the flags.
    static let cases: [(String, [String])] = [
        ("dns-v4", ["--dns", "--no-ipv6"]),
        ("dns", ["--dns"]),
        ("default", []),
        ("ingress", ["--ingress"]),
        ("interfaces", ["--virtual-interface", "en0ps1, en1ps1"]),
        ("one-interface", ["--virtual-interface", "x,   "]),
        ("ingress-interfaces", ["--ingress", "--virtual-interface", "en0ps1", "--virtual-interface", "en1ps1"]),
        ("probe-sources", ["--probe-source", "192.0.2.1", "--probe-source-v6", "2001:db8::1"]),
    ]

    private func report(_ flags: [String]) throws -> RedirectPlanReport {
        let command = try #require(try RedirectCommand.parseAsRoot(["plan"] + flags) as? RedirectPlanCommand)
        return RedirectPlanReport(try command.options.plan(doing: "plan"), target: command.namespace.target)
    }

    @Test("prints a script that a person can run", arguments: cases)
    func text(name: String, flags: [String]) throws {
        try Golden.check(
            "redirect/\(name).txt", OutputFormat.text.render(report(flags), style: TextStyle(colour: false)))
    }

    @Test("prints its parts for programs", arguments: [OutputFormat.json, .yaml])
    func machine(format: OutputFormat) throws {
        let text = try format.render(report(["--dns"]), style: TextStyle(colour: false))
        try Golden.check("redirect/dns.\(format.rawValue)", text)
    }

    @Test("says how to enter the namespace that was named")
    func entering() throws {
        let style = TextStyle(colour: false)
        #expect(try report(["--netns", "pod1"]).text(style).contains("| ip netns exec pod1 sh"))
        #expect(try report(["--netns", "/run/x"]).text(style).contains("| nsenter --net=/run/x sh"))
        #expect(try report(["--pid", "7"]).text(style).contains("| nsenter --net --target 7 sh"))
    }

    static let refused: [([String], String)] = [
        (
            ["--virtual-interface", "a b"],
            "'a b' cannot be the name of an interface: it holds a space, or what is not ASCII"
        ),
        (["--virtual-interface", "eth0;reboot"], "'eth0;reboot' cannot be the name of an interface: it holds ;"),
        (["--probe-source", "::1"], "'::1' is no IPv4 address"),
        (["--probe-source-v6", "10.0.0.1"], "'10.0.0.1' is no IPv6 address"),
    ]

    @Test("refuses what would not be safe or right as a rule", arguments: refused)
    func refuses(flags: [String], reason: String) throws {
        let failure = #expect(throws: MeshFailure.self) { try report(flags) }
        #expect(failure?.reason == reason)
        #expect(failure?.exitStatus == 64)
    }

    @Test("refuses two namespaces, and processes that cannot be")
    func refusesNamespaces() {
        #expect(throws: (any Error).self) { try RedirectCommand.parseAsRoot(["plan", "--netns", "a", "--pid", "1"]) }
        #expect(throws: (any Error).self) { try RedirectCommand.parseAsRoot(["plan", "--pid", "0"]) }
    }
}
