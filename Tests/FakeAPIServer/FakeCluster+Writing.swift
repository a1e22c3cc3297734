import Foundation
import MeshKubernetesAPI

extension FakeCluster.State {
    mutating func tell(_ change: FakeCluster.Change) {
        history.append(change)
        for watcher in watchers.values { watcher.tell(change) }
    }

    @discardableResult
    mutating func write(_ plural: String, _ namespace: String, _ name: String, _ object: JSONValue) -> JSONValue {
        let key = "\(namespace)/\(name)"
        let old = objects[plural]?[key]
        let uid = old?.metadata("uid") ?? object.metadata("uid") ?? "uid-\(version)"
        // What changes nothing is no new version.
        if let old, object.with(version: nil, uid: uid) == old.with(version: nil) { return old }
        version += 1
        let new = object.with(version: version, uid: uid)
        objects[plural, default: [:]][key] = new
        tell(FakeCluster.Change(plural: plural, version: version, old: old, new: new))
        return new
    }

    mutating func create(_ place: FakePlace, _ object: JSONValue) -> Reply {
        guard let name = object.metadata("name"), !name.isEmpty else { return .refusal(422, "Invalid") }
        guard object.metadata("resourceVersion") == nil else { return .refusal(400, "BadRequest") }
        if let refusal = refusal(place, object) { return refusal }
        guard objects[place.plural]?["\(place.namespace)/\(name)"] == nil else {
            return .refusal(409, "AlreadyExists", message: "\(place.plural) \(name) already exists")
        }
        if !place.namespace.isEmpty {
            guard let space = objects["namespaces"]?["/\(place.namespace)"] else {
                return .missing("namespaces", place.namespace)
            }
            if space["status"]?["phase"]?.text == "Terminating" {
                return .refusal(
                    403, "Forbidden", message: "unable to create new content: the namespace is being terminated",
                    details: #"{"causes":[{"reason":"NamespaceTerminating","field":"metadata.namespace"}]}"#)
            }
        }
        return .json(write(place.plural, place.namespace, name, object).line, status: 201)
    }

    /// RFC 7386.
    mutating func patch(_ place: FakePlace, _ name: String, _ patch: JSONValue) -> Reply {
        guard let old = objects[place.plural]?["\(place.namespace)/\(name)"] else {
            return .missing(place.plural, name)
        }
        if let refusal = conflict(old, patch) { return refusal }
        let new = old.merged(with: patch)
        if let refusal = refusal(place, new) { return refusal }
        return .json(write(place.plural, place.namespace, name, new).line)
    }

    private func conflict(_ old: JSONValue, _ new: JSONValue) -> Reply? {
        for name in ["resourceVersion", "uid"] {
            guard let wanted = new.metadata(name), wanted != old.metadata(name) else { continue }
            return .refusal(
                409, "Conflict",
                message: "the object has been modified; please apply your changes to the latest version and try again")
        }
        return nil
    }

    private func refusal(_ place: FakePlace, _ object: JSONValue) -> Reply? {
        guard (object.metadata("namespace") ?? "") == place.namespace else {
            return .refusal(400, "BadRequest", message: "the namespace of the object does not match")
        }
        guard place.plural == "secrets", case .object(let data)? = object["data"] else { return nil }
        let isBase64 = data.values.allSatisfy { value in value.text.map { Data(base64Encoded: $0) != nil } ?? false }
        return isBase64 ? nil : .refusal(400, "BadRequest", message: "illegal base64 data")
    }
}

/// `/api/v1/namespaces/shop/pods/cart` taken apart.
struct FakePlace {
    let namespace: String
    let plural: String
    let name: String?

    init?(_ path: String) {
        var parts = path.split(separator: "/")[...]
        guard parts.popFirst() == "api", parts.popFirst() == "v1" else { return nil }
        if parts.count >= 3, parts.first == "namespaces" {
            namespace = String(parts.dropFirst().first ?? "")
            parts = parts.dropFirst(2)
        } else {
            namespace = ""
        }
        guard let plural = parts.popFirst(), parts.count <= 1 else { return nil }
        self.plural = String(plural)
        name = parts.first.map(String.init)
    }
}

/// Which objects a list or a watch is about.
struct FakeScope {
    private let namespace: String
    private let fields: [(path: [Substring], value: Substring, isEqual: Bool)]

    init(_ place: FakePlace, _ query: [String: String]) {
        namespace = place.namespace
        fields = (query["fieldSelector"] ?? "").split(separator: ",").map { field in
            let isEqual = !field.contains("!=")
            let parts = field.split(separator: "=", maxSplits: 1)
            let name = isEqual ? parts[0] : parts[0].dropLast()
            return (name.split(separator: "."), parts.count > 1 ? parts[1] : "", isEqual)
        }
    }

    func holds(_ object: JSONValue) -> Bool {
        guard namespace.isEmpty || object.metadata("namespace") == namespace else { return false }
        return fields.allSatisfy { field in
            let value = field.path.reduce(object as JSONValue?) { $0?[String($1)] }?.text ?? ""
            return (value == field.value) == field.isEqual
        }
    }
}

extension JSONValue {
    package init?(text: String) {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else { return nil }
        self = value
    }

    package func metadata(_ name: String) -> String? { self["metadata"]?[name]?.text }

    /// On one line, as watches need it.
    package var line: String { (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null" }

    func with(version: Int?, uid: String? = nil) -> JSONValue {
        guard case .object(var members) = self else { return self }
        var metadata: [String: JSONValue] = [:]
        if case .object(let found)? = members["metadata"] { metadata = found }
        metadata["resourceVersion"] = version.map { .string("\($0)") }
        if let uid { metadata["uid"] = .string(uid) }
        members["metadata"] = .object(metadata)
        return .object(members)
    }

    func merged(with patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [String: JSONValue] = [:]
        if case .object(let found) = self { members = found }
        for (name, change) in changes {
            members[name] = change == .null ? nil : (members[name] ?? .null).merged(with: change)
        }
        return .object(members)
    }
}

extension Reply {
    static func missing(_ plural: String, _ name: String) -> Reply {
        .refusal(404, "NotFound", message: "\(plural) \(name) not found")
    }
}
