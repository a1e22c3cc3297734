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
            case "creationTimestamp": meta.createdAt = Timestamp.seconds(value.text)
            case "generateName" where meta.name.isEmpty: meta.name = value.text
            default: break
            }
        }
        object = "\(kind) \(meta)"
        if meta.name.isEmpty { error(node, "needs a name", remedy: "give metadata.name") }
        return meta
    }
}

extension ResourceIdentity {
    init(_ meta: ObjectMeta) {
        self.init(namespace: meta.namespace, name: meta.name, createdAt: meta.createdAt, position: meta.position)
    }
}
