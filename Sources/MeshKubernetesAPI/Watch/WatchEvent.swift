/// One line of a watch. Source: Kubernetes API, meta/v1 WatchEvent.
package enum WatchEvent<Object: KubernetesObject>: Sendable {
    /// Added or modified: for whoever keeps a cache the same.
    case applied(Object)
    case deleted(Object)
    /// All changes up to this version were sent.
    case bookmark(version: String)
    case failed(KubernetesStatus)
}

extension WatchEvent: Decodable {
    private enum CodingKeys: String, CodingKey { case type, object }
    private struct Bookmark: Decodable {
        var metadata: ObjectMetadata
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        switch try values.decode(String.self, forKey: .type) {
        case "ADDED", "MODIFIED": self = .applied(try values.decode(Object.self, forKey: .object))
        case "DELETED": self = .deleted(try values.decode(Object.self, forKey: .object))
        case "BOOKMARK":
            let bookmark = try values.decode(Bookmark.self, forKey: .object)
            guard let version = bookmark.metadata.resourceVersion else {
                throw DecodingError.dataCorruptedError(
                    forKey: .object, in: values, debugDescription: "a bookmark without version")
            }
            self = .bookmark(version: version)
        case "ERROR": self = .failed(try values.decode(KubernetesStatus.self, forKey: .object))
        default:
            throw DecodingError.dataCorruptedError(forKey: .type, in: values, debugDescription: "unknown type of event")
        }
    }
}
