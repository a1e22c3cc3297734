import MeshCore

/// A kind of object and where the API server keeps it.
package struct ResourceKind: Hashable, Sendable {
    /// Empty for the core group.
    package let group: String
    package let version: String
    /// `pods`.
    package let plural: String
    package let isNamespaced: Bool

    package init(group: String = "", version: String = "v1", plural: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.plural = plural
        self.isNamespaced = isNamespaced
    }

    /// `/api/v1/namespaces/shop/pods/cart`; without a namespace the objects of all.
    func path(namespace: String?, name: String? = nil) throws(KubernetesError) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if isNamespaced, let namespace { path += "/namespaces/\(try PathText.segment(namespace))" }
        path += "/\(plural)"
        if let name { path += "/\(try PathText.segment(name))" }
        return path
    }
}

/// Text inside a URL.
enum PathText {
    /// One part of a path: names from elsewhere must not become other paths.
    static func segment(_ text: String) throws(KubernetesError) -> String {
        guard (1...253).contains(text.utf8.count), text != ".", text != "..",
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "%") && $0 != 0x7F })
        else { throw .name(text) }
        return URLText.escaped(text)
    }
}
