import MeshCore

/// What the OpenID configuration of an issuer says of its keys. Source: OpenID Connect Discovery 1.0, section 4.
package struct KeyDiscovery: Sendable, Hashable {
    /// Where the keys are, as text.
    package let keys: String
    /// Whom the configuration says that it is of.
    package let issuer: String?

    /// - Parameter document: JSON. `nil` when it names no keys.
    package init?(_ document: [UInt8]) {
        guard case .object(let members)? = try? JSONText.parse(document), case .string(let place)? = members["jwks_uri"]
        else { return nil }
        keys = place
        guard case .string(let name)? = members["issuer"] else {
            issuer = nil
            return
        }
        issuer = name
    }

    /// Where an issuer's configuration is.
    package static func place(of issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }
}
