package import MeshCore
import MeshKubernetes
import MeshPolicy
import MeshYAML

/// The outcome of a file of policy tests. The encoded keys are a promise.
///
/// Shape of the file: `given` (manifests and folders, relative to the file) and `tests`, each with `name`, `from`, `to`,
/// perhaps `request` (`method`, `path`, `host`, `headers`, `claims`), and `expect: allow|deny`, perhaps `policy`, the one
/// that decides.
package struct PolicyTestReport: Encodable, Sendable {
    package struct Case: Encodable, Sendable {
        package let name: String
        package let passed: Bool
        /// What was judged, and why.
        package let reason: String
        package let line: Int
    }

    package let file: String
    package let failures: Int
    package let cases: [Case]

    /// - Throws: `.corrupt` for a file that is no such file, with the place.
    package static func run(
        _ path: String, settings: MeshSettings, namespace: String
    ) throws(MeshFailure) -> PolicyTestReport {
        let doing = "run policy tests"
        let bytes = try ManifestFiles.bytes(path, limit: 16 << 20, doing: doing)
        func corrupt(_ error: YAMLError) -> MeshFailure { MeshFailure(.corrupt, doing: doing, reason: "\(error)") }
        let (files, tests): ([String], [YAMLNode])
        do throws(YAMLError) {
            (files, tests) = try parts(String(decoding: bytes, as: UTF8.self), path)
        } catch {
            throw corrupt(error)
        }
        let judge = try PolicyJudge.read(files, settings: settings, namespace: namespace, doing: doing)
        var cases: [Case] = []
        for node in tests {
            do throws(YAMLError) { cases.append(try test(node, judge, doing)) } catch { throw corrupt(error) }
        }
        return PolicyTestReport(file: path, failures: cases.count { !$0.passed }, cases: cases)
    }

    /// The manifests and the tests of a file.
    private static func parts(_ text: String, _ path: String) throws(YAMLError) -> ([String], [YAMLNode]) {
        guard let top = try YAMLNode.document(in: text, name: path) else {
            throw YAMLError(file: path, line: 1, column: 1, reason: "is empty; give given and tests")
        }
        try check(top, ["given", "tests"])
        guard let given = top["given"], given.kind == .sequence, given.count > 0 else {
            throw top.error("needs given, a list of manifests")
        }
        guard let tests = top["tests"], tests.kind == .sequence, tests.count > 0 else {
            throw top.error("needs tests, a list")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let files = given.elements.map { $0.text.hasPrefix("/") ? $0.text : folder + $0.text }
        return (files, Array(tests.elements))
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

    private static func test(_ node: YAMLNode, _ judge: PolicyJudge, _ doing: String) throws(YAMLError) -> Case {
        try check(node, ["name", "from", "fromIP", "to", "request", "expect", "policy"])
        let name = try text(node, "name")
        let (from, to) = (try text(node, "from"), try text(node, "to"))
        let expected: Bool
        switch try text(node, "expect") {
        case "allow": expected = true
        case "deny": expected = false
        default: throw node.error("expect must be allow or deny")
        }
        var request: FlowRequest?
        if let given = node["request"] { request = try self.request(given) }
        var address: IPAddress?
        if let given = node["fromIP"] {
            address = IPAddress(given.text)
            if address == nil { throw given.error("is no address") }
        }
        let parser = FlowParser(judge.index, doing: doing)
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
        return Case(name: name, passed: problem == nil, reason: problem ?? reason, line: node.line)
    }

    private static func request(_ node: YAMLNode) throws(YAMLError) -> FlowRequest {
        try check(node, ["method", "path", "host", "headers", "claims"])
        var request = FlowRequest()
        if let method = node["method"] { request.method = method.text }
        if let path = node["path"] { request.path = path.text }
        request.host = node["host"]?.text
        if let headers = node["headers"] {
            for (key, value) in headers.pairs { request.headers.append((key.text, value.text)) }
        }
        if let claims = node["claims"] { request.claims = ClaimInput.object(claims) }
        return request
    }
}

extension PolicyTestReport {
    /// Test Anything Protocol, version 13.
    package var tap: String {
        var lines = ["TAP version 13", "1..\(cases.count)"]
        for (number, test) in cases.enumerated() {
            let name = test.name.replacing("#", with: "\\#").replacing("\n", with: " ")
            lines.append("\(test.passed ? "ok" : "not ok") \(number + 1) - \(name)")
            if !test.passed { lines.append("# \(file):\(test.line): \(test.reason)") }
        }
        return lines.joined(separator: "\n")
    }

    /// The XML that continuous integration reads.
    package var junit: String {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
                .replacing("\"", with: "&quot;").replacing("\n", with: " ")
        }
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<testsuite name=\"\(escaped(file))\" tests=\"\(cases.count)\" failures=\"\(failures)\">",
        ]
        for test in cases {
            let head =
                "  <testcase classname=\"policy\" name=\"\(escaped(test.name))\" file=\"\(escaped(file))\" line=\"\(test.line)\""
            lines.append(
                test.passed ? head + "/>" : head + "><failure message=\"\(escaped(test.reason))\"/></testcase>")
        }
        return (lines + ["</testsuite>"]).joined(separator: "\n")
    }
}
