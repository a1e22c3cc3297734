package import MeshCore
package import X509

/// The identity that a verified client certificate stands for.
package enum PeerCertificate {
    /// Why a client certificate does not name a caller. Each reason is a case of its own, for the log.
    package enum Problem: Error, Equatable, CustomStringConvertible {
        case expired(notAfter: Int64)
        case revoked(serial: String)
        case noNames
        case unreadable(String)
        /// Several names, or one that is no URI.
        case notOneURI(count: Int)
        case identity(IdentityError)
        case foreign(TrustDomain)

        package var description: String {
            switch self {
            case .expired(let notAfter): "client certificate expired at \(UnixTime.text(notAfter))"
            case .revoked(let serial): "client certificate \(serial) is revoked"
            case .noNames: "client certificate has no subject alternative name"
            case .unreadable(let reason): "names of the client certificate do not parse: \(reason)"
            case .notOneURI(let count): "client certificate has \(count) names; a caller has one URI"
            case .identity(let error): "client certificate: \(error)"
            case .foreign(let domain): "client certificate is of trust domain \(domain)"
            }
        }
    }

    /// The chain was verified in the TLS handshake; a connection can outlive that, so the end of validity is checked
    /// again here. An identity of an alias of the trust domain is that of the same name in the domain itself.
    /// - Parameter now: seconds since 1970.
    package static func identity(
        of certificate: Certificate, authority: CertificateAuthority, now: Int64
    ) throws(Problem) -> SPIFFEID {
        let notAfter = UnixTime.seconds(certificate.notValidAfter)
        guard now < notAfter else { throw .expired(notAfter: notAfter) }
        guard !authority.material.revocations.contains(where: { $0.revokes(certificate) }) else {
            throw .revoked(serial: HexText.of(certificate.serialNumber.bytes))
        }
        let id = try identity(of: certificate)
        if id.trustDomain == authority.trustDomain { return id }
        guard authority.aliases.contains(id.trustDomain) else { throw .foreign(id.trustDomain) }
        do {
            return try SPIFFEID(
                trustDomain: authority.trustDomain, namespace: id.namespace, serviceAccount: id.serviceAccount)
        } catch {
            throw .identity(error)
        }
    }

    /// The single URI name of a certificate as an identity.
    package static func identity(of certificate: Certificate) throws(Problem) -> SPIFFEID {
        let names: SubjectAlternativeNames?
        do {
            names = try certificate.extensions.subjectAlternativeNames
        } catch {
            throw .unreadable("\(error)")
        }
        guard let names, !names.isEmpty else { throw .noNames }
        guard names.count == 1, case .uniformResourceIdentifier(let uri) = names.first else {
            throw .notOneURI(count: names.count)
        }
        do {
            return try SPIFFEID(parsing: uri)
        } catch {
            throw .identity(error)
        }
    }
}
