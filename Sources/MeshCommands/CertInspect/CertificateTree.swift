import MeshCertificates
import MeshReport

/// One set as a tree for people: each chain from its leaf, every issuer below what it issued.
struct CertificateTree {
    private let set: SetReport
    private let style: TextStyle
    private(set) var lines: [String] = []
    private var shown: Set<Int> = []

    init(_ set: SetReport, _ style: TextStyle) {
        self.set = set
        self.style = style
        lines.append(style.bold(set.name))
        if let endpoint = set.endpoint { lines += Self.lines(endpoint, style) }
        for chain in set.chains { add(chain) }
        for key in set.keys {
            let owner = key.certificate.map { "belongs to \($0)" } ?? "belongs to no certificate here"
            lines.append("key \(key.kind) (\(key.place)) \(owner)")
        }
        lines += set.revocationLists.map { CertificateText.line($0, style) }
        addVerdicts()
    }

    private static func lines(_ endpoint: EndpointFacts, _ style: TextStyle) -> [String] {
        let parts = [endpoint.protocolVersion, endpoint.cipherSuite, endpoint.applicationProtocol.map { "ALPN \($0)" }]
        var lines = ["  " + parts.compactMap { $0 }.joined(separator: ", ")]
        switch endpoint.clientCertificate {
        case .notAsked: break
        case .asked: lines.append("  the server asks for a client certificate")
        case .accepted: lines.append("  the server " + style.good("accepts our certificate"))
        case .refused: lines.append("  the server " + style.bad("refuses us"))
        case .unanswered: lines.append("  the server has our certificate, and has not said what it thinks of it")
        }
        if let failure = endpoint.failure { lines.append("  " + style.bad(failure)) }
        return lines
    }

    private mutating func add(_ chain: [Int]) {
        for (depth, number) in chain.enumerated() {
            let record = set.certificates[number - 1]
            let indent = String(repeating: "   ", count: max(0, depth - 1))
            let lead = depth == 0 ? "" : indent + "└─ "
            let title = "\(record.role.rawValue) \(style.bold(name(record)))"
            let places = style.dim(" (\(record.places.joined(separator: ", ")))")
            guard shown.insert(number).inserted else {
                lines.append("\(lead)\(title), as above")
                return
            }
            lines.append(lead + title + places)
            let isLast = depth == chain.count - 1
            let rail = (depth == 0 ? "" : indent + "   ") + (isLast ? "  " : "│ ")
            for (field, value) in fields(record) {
                lines.append(rail + style.dim(field.padded(to: 11)) + value)
            }
        }
    }

    private func name(_ record: CertificateRecord) -> String {
        if let id = record.spiffeIDs.first { return id }
        if !record.subject.isEmpty { return record.subject }
        return record.alternativeNames.first?.value ?? "serial \(record.serialNumber)"
    }

    private func fields(_ record: CertificateRecord) -> [(String, String)] {
        var fields: [(String, String)] = []
        func add(_ name: String, _ values: [String]) {
            if !values.isEmpty { fields.append((name, values.joined(separator: ", "))) }
        }
        add("subject", [record.subject.isEmpty ? "empty" : record.subject])
        let names = record.alternativeNames.map { "\($0.type) \($0.value)" }
        if let critical = record.alternativeNamesCritical {
            fields.append(("names", names.joined(separator: ", ") + (critical ? " (critical)" : " (not critical)")))
        }
        add("issuer", [record.issuer.isEmpty ? "empty" : record.issuer])
        add("serial", [record.serialNumber])
        let left =
            record.secondsLeft < 0 || record.secondsLeft > record.lifetimeSeconds
            ? style.bad(record.timeLeft) : style.good(record.timeLeft)
        fields.append(("valid", "\(record.notBefore) to \(record.notAfter)"))
        fields.append(("", "\(CertificateText.bar(record.elapsed)) \(left)"))
        add("key", [record.key.text])
        add("signature", [record.signatureAlgorithm])
        add("usage", (record.keyUsage ?? []) + (record.extendedKeyUsage ?? []))
        if let constraints = record.basicConstraints {
            let length = constraints.pathLength.map { ", path length \($0)" } ?? ""
            let kind = constraints.isAuthority ? "authority\(length)" : "no authority"
            fields.append(("constraints", kind + (constraints.critical ? " (critical)" : " (not critical)")))
        }
        add("permits", (record.permittedNames ?? []).map { "\($0.type) \($0.value)" })
        add("excludes", (record.excludedNames ?? []).map { "\($0.type) \($0.value)" })
        add("OCSP", record.ocspResponders)
        add("issuer at", record.issuerLocations)
        add("CRL at", record.revocationListLocations)
        if let count = record.signedTimestamps {
            fields.append(("SCT", CertificateText.count(count, "signed timestamp")))
        }
        add("extensions", record.otherExtensions.map { $0.critical ? "\($0.name) (critical)" : $0.name })
        add("SHA-256", [record.sha256])
        return fields
    }

    private mutating func addVerdicts() {
        for verdict in set.verdicts {
            if verdict.trusted {
                lines.append("\(style.good("trusted")) \(verdict.certificate): \(verdict.reason) (\(set.bundle ?? ""))")
            } else {
                let who = verdict.failing == verdict.certificate ? "" : "\(verdict.failing ?? "") "
                lines.append(
                    "\(style.bad("not trusted")) \(verdict.certificate): \(who)\(verdict.reason) "
                        + "[\(verdict.rule?.rawValue ?? "")] (\(set.bundle ?? ""))")
                if let remedy = verdict.remedy { lines.append("    \(remedy)") }
            }
        }
        if set.verdicts.isEmpty, set.bundle == nil, !set.certificates.isEmpty {
            lines.append(style.dim("not judged: no trust bundle; give one by --root"))
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        let count = self.count
        return count < width ? self + String(repeating: " ", count: width - count + 1) : self + " "
    }
}
