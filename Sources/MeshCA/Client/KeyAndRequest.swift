import Crypto
import MeshCore
import SwiftASN1
import X509

/// A new P-256 key and the request for its certificate.
struct KeyAndRequest {
    let publicKey: Certificate.PublicKey
    let privateKeyPEM: String
    let requestPEM: String

    /// Shape: empty subject, one critical URI name, no other extension; signed with SHA-256. What ztunnel sends.
    init(for identity: SPIFFEID) throws {
        let key = P256.Signing.PrivateKey()
        let names = SubjectAlternativeNames([SubjectName.spiffe(identity).generalName])
        let extensions = try Certificate.Extensions([Certificate.Extension(names, critical: true)])
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes([
                CertificateSigningRequest.Attribute(ExtensionRequest(extensions: extensions))
            ]),
            signatureAlgorithm: .ecdsaWithSHA256)
        publicKey = Certificate.PublicKey(key.publicKey)
        privateKeyPEM = key.pemRepresentation + "\n"
        requestPEM = try request.serializeAsPEM().pemString + "\n"
    }
}
