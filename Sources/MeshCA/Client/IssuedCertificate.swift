package import MeshCore

/// A certificate with its key and the roots that came along.
package struct IssuedCertificate: Sendable, Hashable {
    package let identity: SPIFFEID
    /// Leaf first, then intermediates.
    package let certificateChainPEM: String
    /// PKCS#8. Never logged.
    package let privateKeyPEM: String
    /// One or more roots.
    package let trustBundlePEM: String
    /// Seconds since 1970.
    package let notBefore: Int64
    /// Seconds since 1970.
    package let notAfter: Int64
    /// Lower-case hexadecimal.
    package let serial: String

    package init(
        identity: SPIFFEID, certificateChainPEM: String, privateKeyPEM: String, trustBundlePEM: String,
        notBefore: Int64, notAfter: Int64, serial: String
    ) {
        self.identity = identity
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.trustBundlePEM = trustBundlePEM
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serial = serial
    }
}

extension IssuedCertificate: CustomStringConvertible, CustomReflectable {
    /// Without the key, which would otherwise reach logs by way of interpolation.
    package var description: String { "\(identity) serial \(serial), until \(UnixTime.text(notAfter))" }
    package var customMirror: Mirror { Mirror(self, children: ["certificate": description]) }
}

/// Where certificates come from: an authority over the network, or a stand-in.
package protocol CertificateSource: Sendable {
    /// - Parameters:
    ///   - ttl: whole seconds; zero leaves it to the authority.
    ///   - impersonate: whether `identity` is another's, to be named in the request.
    func issue(
        identity: SPIFFEID, ttl: Duration, impersonate: Bool
    ) async throws(CertificateError) -> IssuedCertificate
}
