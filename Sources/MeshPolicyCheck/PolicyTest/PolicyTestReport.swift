/// The outcome of a file of policy tests. The encoded keys are a promise.
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
