/// The findings of an inspection alone. The encoded keys are a promise.
package struct CertificateLintReport: Encodable, Sendable {
    package let errors: Int
    package let warnings: Int
    /// Certificates that were looked at.
    package let certificates: Int
    package let findings: [CertificateFinding]

    package init(_ report: InspectionReport) {
        errors = report.errors
        warnings = report.warnings
        certificates = report.sets.reduce(0) { $0 + $1.certificates.count }
        findings = report.findings
    }
}

extension InspectionReport {
    /// Every certificate once, chain by chain, each before its issuer. Ends without a newline.
    package var pem: String {
        var blocks: [String] = []
        var seen: Set<String> = []
        for set in sets {
            let inOrder = set.chains.flatMap { $0 } + set.certificates.map(\.number)
            for number in inOrder {
                let record = set.certificates[number - 1]
                if seen.insert(record.sha256).inserted { blocks.append(record.pem) }
            }
        }
        return blocks.joined().trimmingSuffix { $0 == "\n" }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ isEnd: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, isEnd(last) { text.removeLast() }
        return String(text)
    }
}
