/// Certificates and keys that belong together: a file, the files of a folder, a Secret, what a server presents.
package struct CertificateSet: Sendable {
    package let name: String
    package private(set) var parts: [CertificatePart]

    package init(name: String, parts: [CertificatePart]) {
        self.name = PrintableText.of(name)
        self.parts = parts
    }

    package mutating func add(_ part: CertificatePart) { parts.append(part) }

    package var certificates: [ParsedCertificate] { parts.flatMap(\.certificates) }
    package var isEmpty: Bool { parts.allSatisfy(\.isEmpty) }
}

/// The content of one file, or of one key of a Secret, in its order.
package struct CertificatePart: Sendable {
    /// What a part is for, as its name tells.
    package enum Purpose: String, Sendable, Encodable {
        /// A leaf, then what leads to a root.
        case chain
        /// Roots to trust.
        case trustBundle
    }

    /// Such as `tls.crt`.
    package let name: String
    package let purpose: Purpose
    package var certificates: [ParsedCertificate] = []
    package var keys: [KeyBlock] = []
    package var revocationLists: [ParsedRevocationList] = []
    /// Blocks that hold something else or nothing that is understood, each with its reason.
    package var problems: [String] = []

    package init(name: String, purpose: Purpose? = nil) {
        self.name = PrintableText.of(name)
        self.purpose = purpose ?? Self.purpose(of: name)
    }

    /// The same under another name; what it is for stays.
    package func named(_ name: String) -> CertificatePart {
        var copy = CertificatePart(name: name, purpose: purpose)
        copy.certificates = certificates
        copy.keys = keys
        copy.revocationLists = revocationLists
        copy.problems = problems
        return copy
    }

    package var isEmpty: Bool { certificates.isEmpty && keys.isEmpty && revocationLists.isEmpty }

    /// The names that Istio, Kubernetes and meshctl give to bundles of roots.
    private static let bundleNames = [
        "root-cert", "ca.crt", "ca-certificates", "ca-bundle", "roots", "trust-bundle", "rootcerts", "bundle",
    ]

    private static func purpose(of name: String) -> Purpose {
        let file = (name.split(separator: "/").last ?? "").lowercased()
        let isBundle = bundleNames.contains { file.hasPrefix($0) } || file == "root.pem" || file.hasSuffix("-root.pem")
        return isBundle ? .trustBundle : .chain
    }
}
