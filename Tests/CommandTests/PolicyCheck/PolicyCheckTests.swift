import ArgumentParser
import Foundation
import MeshCore
import MeshKubernetes
import MeshPolicyCheck
import MeshReport
import Testing

@testable import MeshCommands

@Suite("meshctl policy-check")
struct PolicyCheckTests {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Examples/policies").standardized.path

    private static func judge(_ files: [String]) throws -> PolicyJudge {
        try PolicyJudge.read(files.map { "\(examples)/\($0)" }, doing: "test")
    }

    /// The text of a report, with files named from the folder of the examples.
    private func render(_ report: some Report, _ format: OutputFormat) throws -> String {
        try format.render(report, style: TextStyle(colour: false)).replacing("\(Self.examples)/", with: "")
    }

    private func flow(_ flags: [String]) throws -> FlowReport {
        let arguments = ["eval", "-f", "x"] + flags
        let command = try #require(try PolicyCheckCommand.parseAsRoot(arguments) as? PolicyEvaluate)
        return try command.flow.report(Self.judge(["shop.yaml", "policies"]), doing: "test")
    }

    static let flows: [(String, [String])] = [
        ("allowed", ["--from", "shop/web", "--to", "shop/cart:80", "--path", "/cart/7"]),
        ("denied", ["--from", "shop/web", "--to", "shop/cart:80", "--method", "POST", "--path", "/cart/7"]),
        ("plaintext", ["--from", "10.9.9.9", "--to", "shop/orders:9000"]),
    ]

    @Test("eval prints the verdict of each hop", arguments: flows, [OutputFormat.text, .json])
    func eval(flow: (name: String, flags: [String]), format: OutputFormat) throws {
        try Golden.check(
            "policy-check/eval-\(flow.name).\(format == .text ? "txt" : "json")", render(self.flow(flow.flags), format))
    }

    @Test("explain prints a matrix", arguments: ["txt", "json", "dot", "svg"])
    func explain(format: String) throws {
        let matrix = try Self.judge(["shop.yaml", "policies"]).matrix()
        let text =
            switch format {
            case "txt": try render(matrix, .text)
            case "json": try render(matrix, .json)
            case "dot": matrix.dot + "\n"
            default: matrix.svg + "\n"
            }
        try Golden.check("policy-check/explain.\(format)", text)
    }

    @Test("lint prints what is wrong, where, and what to write", arguments: [OutputFormat.text, .json])
    func lint(format: OutputFormat) throws {
        let (cluster, problems) = try ClusterModel.read(
            ["shop.yaml", "mistakes.yaml"].map { "\(Self.examples)/\($0)" }, doing: "test")
        let report = LintReport(problems, PolicyJudge(cluster))
        try Golden.check("policy-check/lint.\(format == .text ? "txt" : "json")", render(report, format))
    }

    @Test("diff prints the flows that change", arguments: [OutputFormat.text, .json])
    func diff(format: OutputFormat) throws {
        let report = DiffReport(
            old: try Self.judge(["shop.yaml", "policies"]), new: try Self.judge(["shop.yaml", "proposal"]))
        try Golden.check("policy-check/diff.\(format == .text ? "txt" : "json")", render(report, format))
        let same = DiffReport(
            old: try Self.judge(["shop.yaml", "policies"]), new: try Self.judge(["shop.yaml", "policies"]))
        #expect(same.changes.isEmpty && same.flows == report.flows)
    }

    @Test("translate prints what node proxies are sent", arguments: [OutputFormat.text, .json, .yaml])
    func translate(format: OutputFormat) throws {
        let report = TranslationReport(try Self.judge(["shop.yaml", "policies"]))
        try Golden.check("policy-check/translate.\(format == .text ? "txt" : format.rawValue)", render(report, format))
    }

    @Test("test runs the tests of the examples, and writes TAP and JUnit")
    func tests() throws {
        let report = try PolicyTests(reading: "\(Self.examples)/tests.yaml").run()
        #expect(report.failures == 0)
        try Golden.check("policy-check/test.tap", report.tap.replacing("\(Self.examples)/", with: "") + "\n")
        try Golden.check("policy-check/test.xml", report.junit.replacing("\(Self.examples)/", with: "") + "\n")
        try Golden.check("policy-check/test.json", render(report, .json))
    }

    @Test("the sets of the examples do what their tests say, and lint finds no error", arguments: sets)
    func exampleSet(name: String) async throws {
        #expect(Self.sets.count > 3)
        let folder = "\(Self.examples)/sets/\(name)"
        let command = try PolicyCheckCommand.parseAsRoot(["test", "\(folder)/tests.yaml"])
        let arguments = try #require(command as? PolicyTestCommand)
        let tests = try PolicyTests(reading: arguments.tests)
        tests.judge.tokens = try await arguments.token.settings(
            tests.judge.cluster.requestAuthentications, defaults: (tests.now, tests.jwks), doing: "test")
        let report = try tests.run()
        #expect(report.failures == 0, "\(report.cases.filter { !$0.passed }.map { "\($0.name): \($0.reason)" })")
        let (cluster, problems) = try ClusterModel.read(
            ["\(folder)/workloads.yaml", "\(folder)/policies.yaml"], doing: "test")
        let errors = LintReport(problems, PolicyJudge(cluster)).findings.filter { $0.severity == .error }
        #expect(errors.isEmpty, "\(errors.map { "\($0.object): \($0.message)" })")
    }

    /// Every folder of sets, so that a new one is tested too.
    static let sets = (try? FileManager.default.contentsOfDirectory(atPath: "\(examples)/sets").sorted()) ?? []

    @Test(
        "replay prints what would change for each kind of log",
        arguments: ["ztunnel", "ztunnel-json", "meshctl", "waypoint", "envoy"], [OutputFormat.text, .json])
    func replay(log: String, format: OutputFormat) throws {
        var bytes = 0
        let report = try LogReplay.replay(
            "\(Self.examples)/logs/\(log).log", Self.judge(["running.yaml", "policies"]), doing: "test"
        ) { bytes = $0 }
        #expect(bytes > 0)
        try Golden.check(
            "policy-check/replay-\(log).\(format == .text ? "txt" : "json")", render(report, format))
    }

    @Test("a log that is not there is not found")
    func noLog() throws {
        let judge = try Self.judge(["running.yaml", "policies"])
        let failure = #expect(throws: MeshFailure.self) {
            try LogReplay.replay("\(Self.examples)/logs/none.log", judge, doing: "test") { _ in }
        }
        #expect(failure?.exitStatus == 66)
    }

    static let badTokenFlags: [([String], Int32)] = [
        (["--now", "yesterday"], 64), (["--jwks", "none.json"], 66), (["--key-roots", "x"], 64),
        (["--allow-key-address", "127.0.0.0/8"], 64), (["--fetch-keys", "--allow-key-address", "home"], 64),
        (["--fetch-keys", "--key-roots", "none.pem"], 66),
    ]

    @Test("what tokens are verified by must be there", arguments: badTokenFlags)
    func tokenFlags(flags: [String], status: Int32) async throws {
        let command = try PolicyCheckCommand.parseAsRoot(
            ["eval", "-f", "x", "--from", "none", "--to", "shop/cart:80"] + flags)
        let arguments = try #require(command as? PolicyEvaluate)
        let failure = await #expect(throws: MeshFailure.self) {
            try await arguments.token.settings([], doing: "test")
        }
        #expect(failure?.exitStatus == status)
    }

    static let refused: [([String], Int32)] = [
        (["--from", "shop/wbe", "--to", "shop/cart:80"], 66),
        (["--from", "shop/web", "--to", "shop/cart:81"], 64),
        (["--from", "shop/web", "--to", "shop/carts:80"], 66),
        (["--from", "web", "--to", "shop/cart:80"], 64),
        (["--from", "spiffe://x", "--to", "shop/cart:80"], 64),
        (["--from", "none", "--to", "shop/cart:80", "--header", "x"], 64),
        (["--from", "none", "--to", "shop/cart:80", "--jwt-claims", "[1]"], 64),
        (["--from", "none", "--to", "shop/cart:80", "--provider", "x"], 64),
        (["--from", "none", "--to", "shop/cart:80", "--provider", "x=perhaps"], 64),
        (["--from", "none", "--to", "shop/cart:80", "--from-ip", "x"], 64),
    ]

    @Test("eval refuses what names nothing", arguments: refused)
    func refuses(flags: [String], status: Int32) throws {
        let failure = #expect(throws: MeshFailure.self) { try flow(flags) }
        #expect(failure?.exitStatus == status)
    }

    static let fruitless: [([String], Int32)] = [
        (["explain", "-f", "policies"], 66), (["explain", "-f", "shop.yaml", "--only-namespace", "none"], 66),
        (["diff", "policies", "proposal"], 66), (["replay", "-f", "running.yaml", "--log", "shop.yaml"], 65),
    ]

    @Test("where nothing was looked at, nothing is said to be well", arguments: fruitless)
    func nothing(arguments: [String], status: Int32) throws {
        let paths = arguments.map { FileManager.default.fileExists(atPath: "\(Self.examples)/\($0)") }
        let command = zip(arguments, paths).map { $1 ? "\(Self.examples)/\($0)" : $0 }
        var parsed = try PolicyCheckCommand.parseAsRoot(command)
        let failure = #expect(throws: MeshFailure.self) { try parsed.run() }
        #expect(failure?.exitStatus == status)
    }

    @Test("refuses to judge by manifests with errors, and names them all")
    func corrupt() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let policy = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n"
        try Data((policy + "spec: {rule: [], acton: DENY}\n").utf8).write(to: folder.appendingPathComponent("a.yaml"))
        let failure = #expect(throws: MeshFailure.self) { try PolicyJudge.read([folder.path], doing: "test") }
        #expect(failure?.exitStatus == 65)
        #expect(failure?.reason.contains("did you mean \"rules\"?") ?? false)
        #expect(failure?.reason.contains("did you mean \"action\"?") ?? false)
    }
}
