import MeshCore
import X509

/// The answer of an authority, checked against what was asked.
enum CertificateReply {
    /// Element 0 is the leaf, the last holds the roots, those between are intermediates.
    /// - Parameter now: seconds since 1970.
    static func check(
        _ elements: [String], identity: SPIFFEID, key: KeyAndRequest, now: Int64
    ) throws(CertificateError) -> IssuedCertificate {
        guard let first = elements.first, let roots = elements.last else { throw .reply(.empty) }
        guard elements.count > 1 else { throw .reply(.noRoot) }
        let leaf = try certificate(first, at: 0)
        for (index, element) in elements.enumerated().dropFirst() { _ = try certificate(element, at: index) }
        guard leaf.publicKey == key.publicKey else { throw .reply(.otherKey) }
        try checkIdentity(of: leaf, is: identity)
        let notAfter = UnixTime.seconds(leaf.notValidAfter)
        guard now < notAfter else { throw .reply(.alreadyExpired(notAfter: notAfter)) }
        return IssuedCertificate(
            identity: identity, certificateChainPEM: elements.dropLast().map(line).joined(),
            privateKeyPEM: key.privateKeyPEM, trustBundlePEM: line(roots),
            notBefore: UnixTime.seconds(leaf.notValidBefore), notAfter: notAfter,
            serial: HexText.of(leaf.serialNumber.bytes))
    }

    /// The first URI name decides, as for every peer that will see this certificate.
    private static func checkIdentity(of leaf: Certificate, is identity: SPIFFEID) throws(CertificateError) {
        let names = (try? leaf.extensions.subjectAlternativeNames).flatMap { $0 } ?? SubjectAlternativeNames([])
        let uris = names.compactMap { if case .uniformResourceIdentifier(let uri) = $0 { uri } else { nil } }
        guard uris.first == "\(identity)" else {
            throw .reply(.otherIdentity(asked: identity, got: uris.first ?? "nobody"))
        }
    }

    private static func certificate(_ text: String, at index: Int) throws(CertificateError) -> Certificate {
        do {
            guard let first = try PEM.certificates(text).first else { throw PEMLabelError(found: "nothing") }
            return first
        } catch {
            throw .reply(.unreadable(element: index, reason: "\(error)"))
        }
    }

    private static func line(_ pem: String) -> String { pem.hasSuffix("\n") ? pem : pem + "\n" }
}
