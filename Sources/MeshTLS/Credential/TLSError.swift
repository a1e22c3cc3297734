import MeshCore

/// Why a credential or a session cannot be made.
package enum TLSError: Error, Equatable, CustomStringConvertible {
    case certificateChain(String)
    case privateKey(String)
    case trustBundle(String)
    case keyMismatch(leaf: String)
    /// The URI SANs that the leaf has instead of exactly one SPIFFE ID.
    case notASPIFFEID([String])
    case expired(leaf: String, notAfter: Int64)
    case options(String)
    /// libssl refused what it should accept: out of memory, or a broken installation.
    case library(String)

    package var description: String {
        switch self {
        case .certificateChain(let reason): "certificate chain is not usable PEM: \(reason); put the leaf first"
        case .privateKey(let reason): "private key is not usable PEM: \(reason); use an unencrypted PKCS#8 key"
        case .trustBundle(let reason): "trust bundle is not usable PEM: \(reason); it must hold at least one root"
        case .keyMismatch(let leaf): "the private key does not belong to the certificate of \(leaf)"
        case .notASPIFFEID(let uris):
            "the certificate must have exactly one SPIFFE ID spiffe://<trust domain>/ns/<namespace>/sa/"
                + "<service account>, but its URIs are \(listText(uris))"
        case .expired(let leaf, let notAfter):
            "the certificate of \(leaf) expired \(Timestamp.text(seconds: notAfter)); renew it"
        case .options(let reason): "TLS options: \(reason)"
        case .library(let reason): "libssl: \(reason)"
        }
    }
}
