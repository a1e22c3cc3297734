package import MeshCertificates
package import MeshReport

extension InspectionReport: Report {
    package func text(_ style: TextStyle) -> String {
        var lines: [String] = []
        for set in sets { lines += (lines.isEmpty ? [] : [""]) + CertificateTree(set, style).lines }
        if let revocationLists { lines += [""] + revocationLists.map { CertificateText.line($0, style) } }
        // The verdicts above say it already.
        let rest = findings.filter { $0.check != .untrusted }
        if !rest.isEmpty { lines += [""] + CertificateText.findings(rest, style) }
        if let expiring {
            lines.append("")
            if expiring.isEmpty { lines.append(style.good("nothing ends within the time that was asked for")) }
            for entry in expiring {
                lines.append(
                    style.bad("ends \(entry.notAfter)") + ", \(entry.timeLeft): \(entry.certificate) (\(entry.set))")
            }
        }
        lines += ["", CertificateText.count(errors, "error") + ", " + CertificateText.count(warnings, "warning")]
        return lines.joined(separator: "\n")
    }
}

extension CertificateLintReport: Report {
    package func text(_ style: TextStyle) -> String {
        let summary = [
            CertificateText.count(errors, "error"), CertificateText.count(warnings, "warning"),
            "\(CertificateText.count(certificates, "certificate")) looked at",
        ]
        return (CertificateText.findings(findings, style) + [summary.joined(separator: ", ")]).joined(separator: "\n")
    }
}

extension CertificateDiff: Report {
    package func text(_ style: TextStyle) -> String {
        var lines = ["\(style.bold("old")) \(old)", "\(style.bold("new")) \(new)"]
        if same { return (lines + [style.good("the same certificates, in the same order")]).joined(separator: "\n") }
        if sameOrder == false { lines.append("the same certificates, in another order") }
        if let leaf, !leaf.isEmpty {
            var table = TextTable("LEAF", "OLD", "NEW")
            for change in leaf { table.add(change.field, change.old, change.new) }
            lines += ["", table.render(style)]
            lines.append(sameKey == true ? "the key is the same" : "the key is another one")
        }
        for (mark, members) in [("-", removed), ("+", added)] where !members.isEmpty {
            lines.append("")
            for member in members {
                let text = "\(mark) \(member.role.rawValue) \(member.certificate), until \(member.notAfter)"
                lines.append(
                    (mark == "-" ? style.bad(text) : style.good(text)) + style.dim(" \(member.sha256.prefix(16))…"))
            }
        }
        return lines.joined(separator: "\n")
    }
}

/// Parts of reports on certificates.
enum CertificateText {
    static func count(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }

    static func findings(_ findings: [CertificateFinding], _ style: TextStyle) -> [String] {
        findings.map { finding in
            let severity = finding.severity == .error ? style.bad("error") : style.bold("warning")
            let place = [finding.set, finding.place].filter { !$0.isEmpty }.joined(separator: ": ")
            let who = finding.certificate.map { "\($0) " } ?? ""
            return "\(place): \(severity): \(who)\(finding.message) [\(finding.check.rawValue)]\n    \(finding.remedy)"
        }
    }

    static func line(_ list: RevocationListRecord, _ style: TextStyle) -> String {
        let number = list.number.map { ", number \($0)" } ?? ""
        let isOver = list.secondsLeft.map { $0 < 0 } ?? false
        return "revocation list of \(list.issuer) (\(list.place))\(number): \(list.revoked) revoked, "
            + (isOver ? style.bad(list.validity) : list.validity)
    }

    /// Twenty cells, full for what is over.
    static func bar(_ elapsed: Double) -> String {
        let full = Int((elapsed * 20).rounded(.down))
        return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: 20 - full) + "]"
    }
}
