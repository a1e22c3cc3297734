package import MeshCore

/// Why a session ended, other than by the peer's close_notify.
///
/// The same cases come from `handshake` and from `open`: in TLS 1.3 a server may refuse a client's certificate after the
/// client's own handshake is done, and says so by an alert that `open` meets. Boxed, so that the results which carry it
/// stay one word. Texts are of limited length even where the peer chose them.
package indirect enum HandshakeFailure: Error, Equatable, CustomStringConvertible {
    /// A certificate of the peer's chain; named by its URI or its subject.
    case expired(certificate: String, notAfter: Int64)
    case notYetValid(certificate: String, notBefore: Int64)
    /// The chain ends at an issuer that the trust bundle lacks.
    case unknownIssuer(String)
    /// The bundle knows the issuer by name, but with another key: often a root that was renewed under its old name.
    case badCertificateSignature(issuer: String)
    /// libssl's reason, such as "unsuitable certificate purpose".
    case certificateRejected(certificate: String, reason: String)
    case noClientCertificate
    /// The URI SANs of the leaf, none of them a SPIFFE ID.
    case notASPIFFEID([String])
    case wrongTrustDomain(found: SPIFFEID, expected: TrustDomain)
    case unexpectedIdentity(found: SPIFFEID, expected: [SPIFFEID])
    /// We are the server; says what the bytes look like.
    case plaintextToTLSPort(String)
    /// We are the client; says what the answer looks like.
    case tlsToPlaintextPort(String)
    /// What the peer offered; empty when nothing.
    case noCommonALPN(offered: [String])
    case unsupportedVersion
    /// RFC 8446's name of the alert, such as "unknown_ca".
    case peerAlert(String)
    /// The peer does not hold the key of its certificate, or the handshake was altered.
    case badSignature
    /// A record does not authenticate.
    case badRecord
    /// libssl's reason.
    case protocolError(String)
    /// Our fault: `output` had less room than the call needs.
    case outputFull
    /// Our fault: a call out of order.
    case misuse(String)

    package var description: String {
        switch self {
        case .expired(let certificate, let notAfter):
            "peer certificate \(certificate) expired \(Timestamp.text(seconds: notAfter)); renew it or check the clocks"
        case .notYetValid(let certificate, let notBefore):
            "peer certificate \(certificate) is valid from \(Timestamp.text(seconds: notBefore)); check the clocks"
        case .unknownIssuer(let issuer):
            "peer certificate was issued by \"\(issuer)\", which is not in the trust bundle"
        case .badCertificateSignature(let issuer):
            "peer certificate names issuer \"\(issuer)\", which is in the trust bundle with another key; "
                + "add the root that was renewed under this name"
        case .certificateRejected(let certificate, let reason): "peer certificate \(certificate) rejected: \(reason)"
        case .noClientCertificate: "peer sent no client certificate; it is outside the mesh or has no identity yet"
        case .notASPIFFEID(let uris): "peer certificate has no SPIFFE ID; its URIs: \(listText(uris))"
        case .wrongTrustDomain(let found, let expected):
            "peer \(found) is in trust domain \(found.trustDomain), not in ours, \(expected)"
        case .unexpectedIdentity(let found, let expected):
            "peer is \(found), expected \(expected.isEmpty ? "nobody" : listText(expected.map(\.description)))"
        case .plaintextToTLSPort(let what): "peer sent no TLS but \(what); it is not in the mesh, or uses a wrong port"
        case .tlsToPlaintextPort(let what): "peer answered TLS with \(what); the port does not speak TLS"
        case .noCommonALPN(let offered): "peer does not agree on HTTP/2 by ALPN; it offered: \(listText(offered))"
        case .unsupportedVersion: "peer speaks no TLS version that is enabled here (TLS 1.3 unless configured)"
        case .peerAlert(let name):
            "peer refused with TLS alert \(name)" + (alertAdvice(name).map { ": \($0)" } ?? "")
        case .badSignature: "peer does not prove the key of its certificate"
        case .badRecord: "a record from the peer does not authenticate"
        case .protocolError(let reason): "TLS protocol error: \(reason)"
        case .outputFull: "bug: no room for TLS output"
        case .misuse(let what): "bug: \(what)"
        }
    }
}
