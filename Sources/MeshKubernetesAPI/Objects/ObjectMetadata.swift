import FoundationEssentials

/// An object of the API, as much of it as its user needs: a type names the fields that it wants, the rest is passed over.
package protocol KubernetesObject: Decodable, Sendable {
    static var resource: ResourceKind { get }
    var metadata: ObjectMetadata { get }
}

/// `metadata`. Source: Kubernetes API, meta/v1 ObjectMeta.
package struct ObjectMetadata: Codable, Hashable, Sendable {
    package var name: String?
    package var namespace: String?
    package var uid: String?
    package var resourceVersion: String?
    package var labels: [String: String]?
    /// RFC 3339.
    package var deletionTimestamp: String?

    package init(name: String? = nil, namespace: String? = nil) {
        self.name = name
        self.namespace = namespace
    }

    /// Seconds since 1970; the time by which the object should be gone. `nil` for one that stays.
    package var deletionTime: Int64? {
        guard let deletionTimestamp else { return nil }
        // A time that cannot be read is one that has passed.
        guard let date = try? Date(deletionTimestamp, strategy: .iso8601) else { return 0 }
        return Int64(date.timeIntervalSince1970.rounded(.down))
    }

    package var key: ObjectKey { ObjectKey(namespace: namespace ?? "", name: name ?? "") }
}

/// What names an object among those of its kind.
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    /// Empty for kinds that have none.
    package let namespace: String
    package let name: String

    package init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}
