import ArgumentParser
import MeshKubernetes
import MeshPolicyCheck
import MeshReport

struct PolicyExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Print which workload reaches which, on which port.",
        discussion: "Example: meshctl policy-check explain -f cluster/ --output svg > reach.svg")

    @OptionGroup var input: PolicyArguments
    @Option(help: "Show only workloads and services of this namespace. Repeat.") var onlyNamespace: [String] = []
    @Option(name: .shortAndLong, help: "How to print the result: text, json, yaml, dot (Graphviz) or svg.")
    var output = MatrixFormat.text

    func run() throws {
        let judge = try PolicyJudge.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: "explain policies")
        let matrix = judge.matrix(namespaces: Set(onlyNamespace))
        if matrix.cells.isEmpty { throw judge.nothingToCall(doing: "explain policies") }
        switch output {
        case .dot: OutputOptions.emit(text: matrix.dot)
        case .svg: OutputOptions.emit(text: matrix.svg)
        case .text: try OutputOptions.emit(matrix, .text)
        case .json: try OutputOptions.emit(matrix, .json)
        case .yaml: try OutputOptions.emit(matrix, .yaml)
        }
    }
}

enum MatrixFormat: String, CaseIterable, ExpressibleByArgument { case text, json, yaml, dot, svg }

struct PolicyLint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Find policies that do not do what they seem to say.",
        discussion: """
            Exit status: 0 no errors, 1 errors; with --strict warnings count too.
            Example: meshctl policy-check lint -f policies/
            """)

    @OptionGroup var input: PolicyArguments
    @Flag(help: "Let warnings fail too.") var strict = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let (cluster, problems) = try ClusterModel.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: "lint policies")
        let report = LintReport(problems, problems.errors.isEmpty ? PolicyJudge(cluster) : nil)
        try output.emit(report)
        if report.errors > 0 || (strict && report.warnings > 0) { throw ExitCode(1) }
    }
}

struct PolicyDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Print which flows two sets of manifests judge differently.",
        discussion: """
            Exit status: 0 nothing changes, 1 something does.
            Example: meshctl policy-check diff old/ new/
            """)

    @Argument(help: "Manifest or folder before the change.") var old: String
    @Argument(help: "Manifest or folder after the change.") var new: String
    @Option(
        name: [.customShort("f"), .long], help: "Manifest or folder that both have, such as the workloads. Repeat.")
    var file: [String] = []
    @OptionGroup var mesh: MeshArguments
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "compare policies"
        func read(_ path: String) throws -> PolicyJudge {
            try PolicyJudge.read(file + [path], settings: mesh.settings, namespace: mesh.namespace, doing: doing)
        }
        let judge = try read(new)
        let report = DiffReport(old: try read(old), new: judge)
        // That nothing changes must not be said where nothing was looked at.
        if report.flows == 0 { throw judge.nothingToCall(doing: doing) }
        try output.emit(report)
        if !report.changes.isEmpty { throw ExitCode(1) }
    }
}

struct PolicyTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run unit tests of policies.",
        discussion: """
            Exit status: 0 all pass, 1 some fail.
            Example: meshctl policy-check test Examples/policies/tests.yaml --output tap
            """)

    @Argument(help: "File with tests.") var tests: String
    @OptionGroup var mesh: MeshArguments
    @OptionGroup var token: TokenArguments
    @Option(name: .shortAndLong, help: "How to print the result: text, json, yaml, tap or junit.")
    var output = TestFormat.text

    func run() async throws {
        let tests = try PolicyTests(reading: tests, settings: mesh.settings, namespace: mesh.namespace)
        tests.judge.tokens = try await token.settings(
            tests.judge.cluster.requestAuthentications, defaults: (tests.now, tests.jwks), doing: "run policy tests")
        let report = try tests.run()
        switch output {
        case .tap: OutputOptions.emit(text: report.tap)
        case .junit: OutputOptions.emit(text: report.junit)
        case .text: try OutputOptions.emit(report, .text)
        case .json: try OutputOptions.emit(report, .json)
        case .yaml: try OutputOptions.emit(report, .yaml)
        }
        if report.failures > 0 { throw ExitCode(1) }
    }
}

enum TestFormat: String, CaseIterable, ExpressibleByArgument { case text, json, yaml, tap, junit }

struct PolicyTranslate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Print what node proxies are sent: layer 4 policies, who lists them, status conditions.",
        discussion: "Example: meshctl policy-check translate -f policies/ --output yaml")

    @OptionGroup var input: PolicyArguments
    @OptionGroup var output: OutputOptions

    func run() throws {
        let judge = try PolicyJudge.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: "translate policies")
        try output.emit(TranslationReport(judge))
    }
}
