package import MeshCore

/// The identities that one caller may ask for, all of the authority's trust domain.
package struct AllowedIdentities: Hashable, Sendable {
    private let exact: [SPIFFEID]
    /// Namespaces of which every service account is allowed.
    private let namespaces: Set<String>

    package init(exact: [SPIFFEID]) {
        self.exact = exact
        namespaces = []
    }

    /// One line of a list: an identity, or with `*` for the account every account of its namespace.
    struct Entry {
        /// Of an entry with `*`, only trust domain and namespace mean something.
        let id: SPIFFEID
        let isNamespace: Bool

        init(parsing text: String) throws(IdentityError) {
            isNamespace = text.hasSuffix("/sa/*")
            // Any account serves to check the rest by the same grammar.
            id = try SPIFFEID(parsing: isNamespace ? text.dropLast() + "any" : text[...])
        }
    }

    init(_ entries: [Entry]) {
        exact = entries.filter { !$0.isNamespace }.map(\.id)
        namespaces = Set(entries.filter(\.isNamespace).map(\.id.namespace))
    }

    package func contains(_ id: SPIFFEID) -> Bool { exact.contains(id) || namespaces.contains(id.namespace) }

    /// The one identity that a request without a name can only mean.
    package var only: SPIFFEID? { exact.count == 1 && namespaces.isEmpty ? exact.first : nil }
}
