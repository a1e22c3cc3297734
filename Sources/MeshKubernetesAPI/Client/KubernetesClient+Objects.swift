import FoundationEssentials
import NIOHTTP1

/// Which objects of a kind.
package struct ObjectScope: Hashable, Sendable {
    /// `nil` for those of all namespaces.
    package var namespace: String?
    /// Such as `status.phase!=Failed`.
    package var fields: String?

    package init(namespace: String? = nil, fields: String? = nil) {
        self.namespace = namespace
        self.fields = fields
    }

    var query: [(String, String)] { fields.map { [("fieldSelector", $0)] } ?? [] }
}

/// All objects of a scope as they were at one version.
package struct ObjectList<Object: KubernetesObject>: Sendable {
    package var items: [Object] = []
    package var version = ""
}

extension KubernetesClient {
    package func get<Object: KubernetesObject>(
        _ type: Object.Type = Object.self, namespace: String? = nil, name: String
    ) async throws(KubernetesError) -> Object {
        try Self.decode(await send(Call(path: Object.resource.path(namespace: namespace, name: name))))
    }

    /// An object, list or document by its path, as it comes, such as `/openid/v1/jwks`.
    package func get(path: String) async throws(KubernetesError) -> [UInt8] { try await send(Call(path: path)) }

    /// All objects of a scope, in pages.
    ///
    /// A list whose continuation was forgotten meanwhile is begun again, the second time in one piece.
    package func list<Object: KubernetesObject>(
        _ type: Object.Type = Object.self, _ scope: ObjectScope = ObjectScope()
    ) async throws(KubernetesError) -> ObjectList<Object> {
        var result = ObjectList<Object>()
        var (next, expiries) = ("", 0)
        while true {
            var call = Call(path: try Object.resource.path(namespace: scope.namespace), query: scope.query)
            if expiries < 2 { call.query.append(("limit", "\(limits.pageSize)")) }
            if !next.isEmpty { call.query.append(("continue", next)) }
            let page: ListPage<Object>
            do {
                page = try Self.decode(await send(call))
            } catch {
                guard error.isGone, !next.isEmpty else { throw error }
                expiries += 1
                next = ""
                result = ObjectList()
                continue
            }
            result.items += page.items ?? []
            guard result.items.count <= limits.listedObjects else { throw .tooLarge(limit: limits.listedObjects) }
            next = page.metadata?.continue ?? ""
            guard next.isEmpty else { continue }
            guard let version = page.metadata?.resourceVersion, !version.isEmpty else {
                throw .answer("a list without resourceVersion")
            }
            result.version = version
            return result
        }
    }

    @discardableResult
    package func create<Object: KubernetesObject & Encodable>(
        _ object: Object
    ) async throws(KubernetesError) -> Object {
        let path = try Object.resource.path(namespace: object.metadata.namespace)
        return try Self.decode(await send(Call(method: .POST, path: path, body: try Self.encode(object))))
    }

    /// Changes the fields that a JSON merge patch names (RFC 7386), and leaves the rest to whoever owns it. A
    /// `metadata.resourceVersion` in it makes the patch fail with a conflict when the object was changed since.
    @discardableResult
    package func patch<Object: KubernetesObject>(
        _ type: Object.Type = Object.self, namespace: String? = nil, name: String, _ patch: JSONValue
    ) async throws(KubernetesError) -> Object {
        var call = Call(method: .PATCH, path: try Object.resource.path(namespace: namespace, name: name))
        call.contentType = "application/merge-patch+json"
        call.body = try Self.encode(patch)
        return try Self.decode(await send(call))
    }

    /// Asks the server whether a token is good.
    package func review(_ review: TokenReview) async throws(KubernetesError) -> TokenReview {
        let path = try TokenReview.resource.path(namespace: nil)
        return try Self.decode(await send(Call(method: .POST, path: path, body: try Self.encode(review))))
    }

    // MARK: JSON

    static func decode<T: Decodable>(_ bytes: [UInt8]) throws(KubernetesError) -> T {
        do {
            return try JSONDecoder().decode(T.self, from: Data(bytes))
        } catch {
            throw .answer("\(error)".oneLine)
        }
    }

    private static func encode(_ value: some Encodable) throws(KubernetesError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(value))
        } catch {
            throw .answer("\(error)".oneLine)
        }
    }
}

private struct ListPage<Object: KubernetesObject>: Decodable {
    struct Metadata: Decodable {
        var resourceVersion: String?
        var `continue`: String?
    }
    var metadata: Metadata?
    var items: [Object]?
}
