/// What logs and reports say of a certificate.
package struct CertificateFacts: Sendable, Equatable {
    /// Every URI SAN, in order.
    package let uris: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    /// Seconds since 1970.
    package let notAfter: Int64
    /// Decimal.
    package let serialNumber: String
    /// RFC 2253 text; may be empty.
    package let issuer: String
    /// RFC 2253 text; empty for most workloads.
    package let subject: String

    init(_ certificate: OpaquePointer) {
        unsafe uris = CertificateReader.uris(certificate)
        unsafe notBefore = CertificateReader.notBefore(certificate)
        unsafe notAfter = CertificateReader.notAfter(certificate)
        unsafe serialNumber = CertificateReader.serialNumber(certificate)
        unsafe issuer = CertificateReader.issuer(certificate)
        unsafe subject = CertificateReader.subject(certificate)
    }
}
