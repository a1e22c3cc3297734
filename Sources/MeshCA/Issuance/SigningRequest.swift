import SwiftASN1
package import X509
import _CryptoExtras

/// A PKCS#10 request whose sender has proved to hold the key.
///
/// Only the public key and whether a common name is there count; names, extensions and attributes of the request have
/// no say in the certificate. Source: RFC 2986.
package struct SigningRequest: Sendable {
    package let publicKey: Certificate.PublicKey
    package let hasCommonName: Bool

    /// Bytes of PEM.
    package static let sizeLimit = 64 << 10

    /// Accepts P-256, P-384 and Ed25519 keys, and RSA keys of 2048 to 4096 bits with an odd exponent of 65537 or more.
    /// - Throws: `.signingRequest`.
    package init(pem: String) throws(IssueError) {
        guard pem.utf8.count <= Self.sizeLimit else {
            throw .signingRequest("signing request of \(pem.utf8.count) bytes is larger than \(Self.sizeLimit)")
        }
        let request = try Self.parse(pem)
        let weak: [Certificate.SignatureAlgorithm] = [.sha1WithRSAEncryption]
        guard !weak.contains(request.signatureAlgorithm) else {
            throw .signingRequest("signing request is signed with SHA-1; use SHA-256 or better")
        }
        try Self.check(request.publicKey)
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw .signingRequest("signing request is not signed by the key that it carries")
        }
        publicKey = request.publicKey
        hasCommonName = request.subject.contains { names in names.contains { $0.type == .RDNAttributeType.commonName } }
    }

    /// For keys made in this process.
    package init(ownKey: Certificate.PublicKey) {
        publicKey = ownKey
        hasCommonName = false
    }

    private static func parse(_ pem: String) throws(IssueError) -> CertificateSigningRequest {
        do {
            let document = try PEMDocument(pemString: pem)
            // "NEW CERTIFICATE REQUEST" is what older tools write.
            let labels = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
            guard labels.contains(document.discriminator) else {
                throw IssueError.signingRequest("expected a PEM certificate request, found \(document.discriminator)")
            }
            return try CertificateSigningRequest(derEncoded: document.derBytes)
        } catch let error as IssueError {
            throw error
        } catch {
            throw .signingRequest("signing request does not parse: \(error)")
        }
    }

    private static func check(_ key: Certificate.PublicKey) throws(IssueError) {
        if P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil { return }
        if Curve25519.Signing.PublicKey(key) != nil { return }
        guard let rsa = _RSA.Signing.PublicKey(key), let parts = try? rsa.getKeyPrimitives() else {
            throw .signingRequest("key type is not accepted; use P-256, P-384, Ed25519 or RSA")
        }
        guard (2048...4096).contains(rsa.keySizeInBits) else {
            throw .signingRequest("RSA key of \(rsa.keySizeInBits) bits is not accepted; use 2048 to 4096")
        }
        let exponent = parts.publicExponent.drop { $0 == 0 }
        // 65537 is three bytes long; of the three-byte values only those below 01 00 01 are smaller.
        let isLarge = exponent.count > 3 || exponent.count == 3 && !exponent.lexicographicallyPrecedes([1, 0, 1])
        guard isLarge, let last = exponent.last, last % 2 == 1, exponent.count <= 8 else {
            throw .signingRequest("RSA exponent is not accepted; use 65537")
        }
    }
}
