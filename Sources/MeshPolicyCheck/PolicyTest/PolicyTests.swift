package import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshYAML

/// A file of policy tests, with the judge for them.
///
/// Shape of the file: `given` (manifests and folders, relative to the file), perhaps `now` and `jwks` (as `--now` and
/// `--jwks`, files relative to the file), and `tests`, each with `name`, `from`, `to`, perhaps `fromIP`, `request`
/// (`method`, `path`, `host`, `headers`, and `claims` or `token`) and `providers` (name to answer, as `--provider`), and
/// `expect: allow|deny`, perhaps `policy`, the one that decides, and `status`, that of the refusal.
package struct PolicyTests {
    private let file: String
    package let judge: PolicyJudge
    /// When tokens are judged, as it was written.
    package let now: String?
    /// Key sets, as `--jwks` takes them.
    package let jwks: [String]
    private let tests: [YAMLNode]

    private static let doing = "run policy tests"

    /// - Throws: `.corrupt` for a file that is no such file, or manifests with errors.
    package init(
        reading path: String, settings: MeshSettings = MeshSettings(), namespace: String = "default"
    ) throws(MeshFailure) {
        file = path
        let bytes = try ManifestFiles.bytes(path, limit: 16 << 20, doing: Self.doing)
        let given: [String]
        do throws(YAMLError) {
            (given, now, jwks, tests) = try Self.parts(String(decoding: bytes, as: UTF8.self), path)
        } catch {
            throw Self.corrupt(error)
        }
        judge = try PolicyJudge.read(given, settings: settings, namespace: namespace, doing: Self.doing)
    }

    package func run() throws(MeshFailure) -> PolicyTestReport {
        var cases: [PolicyTestReport.Case] = []
        for node in tests {
            do throws(YAMLError) { cases.append(try test(node)) } catch { throw Self.corrupt(error) }
        }
        return PolicyTestReport(file: file, failures: cases.count { !$0.passed }, cases: cases)
    }

    private static func corrupt(_ error: YAMLError) -> MeshFailure {
        MeshFailure(.corrupt, doing: doing, reason: "\(error)")
    }

    // MARK: The file

    private static func parts(
        _ text: String, _ path: String
    ) throws(YAMLError) -> (given: [String], now: String?, jwks: [String], tests: [YAMLNode]) {
        guard let top = try YAMLNode.document(in: text, name: path) else {
            throw YAMLError(file: path, line: 1, column: 1, reason: "is empty; give given and tests")
        }
        try check(top, ["given", "now", "jwks", "tests"])
        guard let given = top["given"], given.kind == .sequence, given.count > 0 else {
            throw top.error("needs given, a list of manifests")
        }
        guard let tests = top["tests"], tests.kind == .sequence, tests.count > 0 else {
            throw top.error("needs tests, a list")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        func place(_ file: some StringProtocol) -> String { file.hasPrefix("/") ? String(file) : folder + file }
        var jwks: [String] = []
        if let sets = top["jwks"] {
            guard sets.kind == .sequence else {
                throw sets.error("is no list; write a file or issuer=file in each line")
            }
            jwks = sets.elements.map { node in
                guard let mark = node.text.lastIndex(of: "=") else { return place(node.text) }
                return node.text[...mark] + place(node.text[node.text.index(after: mark)...])
            }
        }
        return (given.elements.map { place($0.text) }, top["now"]?.text, jwks, Array(tests.elements))
    }

    private static func check(_ node: YAMLNode, _ known: [String]) throws(YAMLError) {
        guard node.kind == .mapping else { throw node.error("is \(node.kind); a mapping is expected") }
        for (key, _) in node.pairs where !known.contains(key.text) {
            throw key.error("unknown field; expected one of \(known.joined(separator: ", "))")
        }
    }

    private static func text(_ node: YAMLNode, _ key: StaticString) throws(YAMLError) -> String {
        guard let value = node[key], value.kind == .scalar, !value.text.isEmpty else {
            throw node.error("needs \(key)")
        }
        return value.text
    }

    private static func request(_ node: YAMLNode) throws(YAMLError) -> FlowRequest {
        try check(node, ["method", "path", "host", "headers", "claims", "token"])
        var request = FlowRequest()
        if let method = node["method"] { request.method = method.text }
        if let path = node["path"] { request.path = path.text }
        request.host = node["host"]?.text
        if let headers = node["headers"] {
            for (key, value) in headers.pairs { request.headers.append((key.text, value.text)) }
        }
        if let claims = node["claims"] { request.claims = ClaimInput.object(claims) }
        if let token = node["token"] {
            if request.claims != nil { throw token.error("claims and token exclude one another") }
            request.token = token.text.filter { !$0.isWhitespace }
        }
        return request
    }

    private static func providers(_ node: YAMLNode?) throws(YAMLError) -> [String: ProviderAnswer] {
        var result: [String: ProviderAnswer] = [:]
        guard let node else { return result }
        for (name, value) in node.pairs {
            guard let answer = ProviderInput.answer(value.text) else {
                throw value.error("is not allow, deny, timeout or an HTTP status")
            }
            result[name.text] = answer
        }
        return result
    }

    // MARK: A test

    private func test(_ node: YAMLNode) throws(YAMLError) -> PolicyTestReport.Case {
        try Self.check(
            node, ["name", "from", "fromIP", "to", "request", "providers", "expect", "policy", "status"])
        let name = try Self.text(node, "name")
        let (from, to) = (try Self.text(node, "from"), try Self.text(node, "to"))
        let expected: Bool
        switch try Self.text(node, "expect") {
        case "allow": expected = true
        case "deny": expected = false
        default: throw node.error("expect must be allow or deny")
        }
        var request: FlowRequest?
        if let given = node["request"] { request = try Self.request(given) }
        var address: IPAddress?
        if let given = node["fromIP"] {
            address = IPAddress(given.text)
            if address == nil { throw given.error("is no address") }
        }
        judge.providers = try Self.providers(node["providers"])
        let parser = FlowParser(judge.index, doing: Self.doing)
        let report: FlowReport
        do throws(MeshFailure) {
            var client = try parser.client(from)
            if let address { client.address = address }
            report = judge.report(client, try parser.target(to), request)
        } catch {
            throw node.error(error.reason)
        }
        let deciding = report.hops.first { !$0.allowed } ?? report.hops.first
        let reason =
            deciding.map { "\($0.kind.rawValue) \($0.at): \($0.reason)" } ?? report.notes.joined(separator: "; ")
        var problem: String?
        if report.allowed != expected {
            problem = "expected \(expected ? "allow" : "deny"), but \(report.allowed ? "allowed" : "denied"): \(reason)"
        } else if let wanted = node["policy"]?.text {
            let found = report.hops.compactMap { $0.decidedBy?.policy }
            if !found.contains(wanted) {
                problem =
                    "expected policy \(wanted) to decide, but \(found.isEmpty ? "none" : found.joined(separator: ", ")) did"
            }
        }
        if problem == nil, let wanted = node["status"]?.text {
            let found = deciding?.answer.map { String($0.status) } ?? "none"
            if found != wanted { problem = "expected the answer \(wanted), but it is \(found): \(reason)" }
        }
        return PolicyTestReport.Case(name: name, passed: problem == nil, reason: problem ?? reason, line: node.line)
    }
}
