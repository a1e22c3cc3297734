package import FoundationEssentials

/// A pod, as far as identity goes. Source: Kubernetes API, core/v1.
package struct Pod: KubernetesObject, Hashable {
    package static let resource = ResourceKind(plural: "pods")

    package struct Spec: Decodable, Hashable, Sendable {
        package var nodeName: String?
        package var serviceAccountName: String?
    }
    package struct Status: Decodable, Hashable, Sendable {
        package var phase: String?
    }

    package var metadata: ObjectMetadata
    package var spec: Spec?
    package var status: Status?
}

package struct Namespace: KubernetesObject, Hashable {
    package static let resource = ResourceKind(plural: "namespaces", isNamespaced: false)

    package struct Status: Decodable, Hashable, Sendable {
        package var phase: String?
    }

    package var metadata: ObjectMetadata
    package var status: Status?

    package init(metadata: ObjectMetadata) { self.metadata = metadata }

    /// Nothing can be created in it any more.
    package var isTerminating: Bool { status?.phase == "Terminating" || metadata.deletionTimestamp != nil }
}

package struct ConfigMap: KubernetesObject, Encodable, Hashable {
    package static let resource = ResourceKind(plural: "configmaps")

    package var apiVersion: String? = "v1"
    package var kind: String? = "ConfigMap"
    package var metadata: ObjectMetadata
    package var data: [String: String]?

    package init(metadata: ObjectMetadata, data: [String: String]) {
        self.metadata = metadata
        self.data = data
    }
}

/// Values are bytes; base64 on the wire.
package struct Secret: KubernetesObject, Encodable, Hashable {
    package static let resource = ResourceKind(plural: "secrets")

    package var apiVersion: String? = "v1"
    package var kind: String? = "Secret"
    package var type: String?
    package var metadata: ObjectMetadata
    package var data: [String: Data]?

    package init(metadata: ObjectMetadata, type: String, data: [String: Data]) {
        self.metadata = metadata
        self.type = type
        self.data = data
    }
}

/// A question whether a token is good, and its answer. Source: Kubernetes API, authentication.k8s.io/v1.
package struct TokenReview: Codable, Hashable, Sendable {
    package static let resource = ResourceKind(
        group: "authentication.k8s.io", plural: "tokenreviews", isNamespaced: false)

    package struct Spec: Codable, Hashable, Sendable {
        package var token: String?
        package var audiences: [String]?
    }
    package struct User: Codable, Hashable, Sendable {
        package var username: String?
        package var groups: [String]?
        package var extra: [String: [String]]?
    }
    package struct Status: Codable, Hashable, Sendable {
        package var authenticated: Bool?
        package var user: User?
        package var audiences: [String]?
        package var error: String?
    }

    package var apiVersion: String? = "authentication.k8s.io/v1"
    package var kind: String? = "TokenReview"
    package var spec: Spec?
    package var status: Status?

    package init(token: String, audiences: [String]) { spec = Spec(token: token, audiences: audiences) }
}
