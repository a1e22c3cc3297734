import MeshYAML

/// Secrets, ConfigMaps and lists of them, in YAML or JSON; and the certificates of a node proxy's config dump.
enum KubernetesObjects {
    /// Decoded bytes of one value; an object of Kubernetes holds 1 MiB in all.
    static let valueLimit = 4 << 20
    /// Lists in lists are not written by anybody.
    private static let depthLimit = 4

    static func read(_ bytes: [UInt8], file: String) throws(ReadingError) -> [CertificateSet] {
        var sets: [CertificateSet] = []
        do throws(YAMLError) {
            let reader = try YAMLReader(bytes, name: PrintableText.of(file))
            while let document = try reader.next() { read(document, depth: 0, into: &sets) }
        } catch {
            throw ReadingError(PrintableText.of("line \(error.line): \(error.reason)"))
        }
        guard !sets.isEmpty else {
            throw ReadingError("no Secret, ConfigMap or config dump in it holds a certificate or a key")
        }
        return sets
    }

    private static func read(_ object: YAMLNode, depth: Int, into sets: inout [CertificateSet]) {
        guard depth < depthLimit else { return }
        if let items = object["items"], items.kind == .sequence {
            for item in items.elements { read(item, depth: depth + 1, into: &sets) }
        }
        switch object["kind"]?.text {
        case "Secret"?: add(object, "Secret", [("data", true), ("stringData", false)], into: &sets)
        case "ConfigMap"?: add(object, "ConfigMap", [("data", false), ("binaryData", true)], into: &sets)
        case nil:
            guard let dumped = object["certificates"] else { return }
            for entry in dumped.elements { addDumped(entry, into: &sets) }
        default: break
        }
    }

    private static func add(
        _ object: YAMLNode, _ kind: String, _ fields: [(name: StaticString, isBase64: Bool)],
        into sets: inout [CertificateSet]
    ) {
        let metadata = object["metadata"]
        let name = [metadata?["namespace"]?.text, metadata?["name"]?.text].compactMap { $0 }.joined(separator: "/")
        var set = CertificateSet(name: "\(kind) \(name)", parts: [])
        var problems: [String] = []
        for field in fields {
            guard let values = object[field.name] else { continue }
            for (key, value) in values.pairs where value.kind == .scalar {
                guard let bytes = content(value, isBase64: field.isBase64) else {
                    problems.append("\(PrintableText.of(key.text)): its base64 is malformed or too long")
                    continue
                }
                guard CertificateBytes.looksUseful(bytes) else { continue }
                set.add(CertificateBytes.part(bytes, name: key.text))
            }
        }
        if set.parts.isEmpty { return }
        if !problems.isEmpty {
            var part = CertificatePart(name: "data")
            part.problems = problems
            set.add(part)
        }
        sets.append(set)
    }

    private static func content(_ value: YAMLNode, isBase64: Bool) -> [UInt8]? {
        let text = Array(value.text.utf8)
        guard text.count <= valueLimit * 4 / 3 + 4 else { return nil }
        return isBase64 ? Base64.decode(text) : text
    }

    /// Shape: `{identity, state, certChain: [{pem: base64 of PEM text}], rootCerts: [...]}`.
    private static func addDumped(_ entry: YAMLNode, into sets: inout [CertificateSet]) {
        guard let identity = entry["identity"]?.text else { return }
        var set = CertificateSet(name: "identity \(identity)", parts: [])
        for (key, purpose) in [("certChain", CertificatePart.Purpose.chain), ("rootCerts", .trustBundle)] {
            let list = key == "certChain" ? entry["certChain"] : entry["rootCerts"]
            guard let list, list.count > 0 else { continue }
            var all = CertificatePart(name: key, purpose: purpose)
            for certificate in list.elements {
                let text = Array((certificate["pem"]?.text ?? "").utf8)
                let part = CertificateBytes.part(Base64.decode(text) ?? text, name: key, purpose: purpose)
                all.certificates += part.certificates
                all.problems += part.problems
            }
            set.add(all)
        }
        if !set.isEmpty { sets.append(set) }
    }
}
