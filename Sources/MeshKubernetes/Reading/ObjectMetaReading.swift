import MeshCore
import MeshYAML

extension ObjectReader {
    /// `metadata`, with `namespace` where it names none.
    mutating func meta(_ document: YAMLNode, kind: String, namespace standard: String) -> ObjectMeta {
        var meta = ObjectMeta()
        meta.position = FilePosition(document)
        meta.namespace = standard
        guard let node = document["metadata"], node.kind == .mapping else {
            object = kind
            error(document, "has no metadata", remedy: "give metadata.name")
            return meta
        }
        for (key, value) in node.pairs {
            switch key {
            case "name": meta.name = value.text
            case "namespace": if !standard.isEmpty, !value.text.isEmpty { meta.namespace = value.text }
            case "labels": meta.labels = map(value)
            case "annotations": meta.annotations = map(value)
            case "creationTimestamp": meta.createdAt = Self.seconds(value.text)
            case "generateName" where meta.name.isEmpty: meta.name = value.text
            default: break
            }
        }
        object = "\(kind) \(meta)"
        if meta.name.isEmpty { error(node, "needs a name", remedy: "give metadata.name") }
        return meta
    }

    /// Seconds since 1970 of `2026-08-01T12:00:00Z`, the form in which the API server writes times.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split { !$0.isASCII || !$0.isNumber }
        guard text.hasSuffix("Z"), text.contains("T"), parts.count >= 6 else { return nil }
        let numbers = parts.prefix(6).compactMap { Int64($0) }
        guard numbers.count == 6, (1...9999).contains(numbers[0]), (1...12).contains(numbers[1]),
            (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60, numbers[5] <= 60
        else { return nil }
        // Days of the civil calendar, counted from a March so that the leap day ends the year.
        let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
        let month = (numbers[1] + 9) % 12
        let era = year / 400
        let ofEra = year - era * 400
        let day = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + (153 * month + 2) / 5 + numbers[2] - 1
        return ((day - 719_468) * 24 + numbers[3]) * 3600 + numbers[4] * 60 + numbers[5]
    }
}

extension ResourceIdentity {
    init(_ meta: ObjectMeta) {
        self.init(namespace: meta.namespace, name: meta.name, createdAt: meta.createdAt, position: meta.position)
    }
}
