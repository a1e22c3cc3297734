import Crypto
import Foundation
import MeshCA
import MeshCore
import SwiftASN1
import X509
import _CryptoExtras

let day: Int64 = 24 * 3600

func domain(_ name: String = "cluster.local") throws -> TrustDomain { try TrustDomain(parsing: name) }
func identity(_ namespace: String, _ account: String, _ domain: String = "cluster.local") throws -> SPIFFEID {
    try SPIFFEID(trustDomain: TrustDomain(parsing: domain), namespace: namespace, serviceAccount: account)
}

/// The X.509 library has a type of this name too.
typealias CertificateError = MeshCA.CertificateError

/// Keys of the kinds that authorities and workloads use.
enum TestKey: String, CaseIterable {
    case p256, p384, rsa, ed25519

    func make() throws -> Certificate.PrivateKey {
        switch self {
        case .p256: Certificate.PrivateKey(P256.Signing.PrivateKey())
        case .p384: Certificate.PrivateKey(P384.Signing.PrivateKey())
        case .rsa: Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        case .ed25519: Certificate.PrivateKey(Curve25519.Signing.PrivateKey())
        }
    }
}

/// A certificate with its key, to build chains from.
struct TestIssuer {
    let certificate: Certificate
    let key: Certificate.PrivateKey

    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }
    var keyPEM: String { get throws { try key.serializeAsPEM().pemString + "\n" } }

    /// A root when `issuer` is absent. Times are seconds since 1970.
    init(
        _ name: String, issuer: TestIssuer? = nil, key kind: TestKey = .p256, isAuthority: Bool = true,
        notBefore: Int64 = ManualClock.start - day, notAfter: Int64 = ManualClock.start + 365 * day
    ) throws {
        let key = try kind.make()
        self.key = key
        let subject = try DistinguishedName { OrganizationName(name) }
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: Double(notBefore)),
            notValidAfter: Date(timeIntervalSince1970: Double(notAfter)),
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: Certificate.Extensions {
                Critical(
                    isAuthority ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority
                )
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: issuer?.key ?? key)
    }
}

/// A signing request as somebody else would write it.
func signingRequest(
    key: Certificate.PrivateKey? = nil, subject: DistinguishedName = DistinguishedName(),
    names: [GeneralName] = [.dnsName("evil.example")]
) throws -> String {
    let key = try key ?? TestKey.p256.make()
    let extensions = try Certificate.Extensions {
        SubjectAlternativeNames(names)
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
    }
    let attributes = CertificateSigningRequest.Attributes([
        try .init(ExtensionRequest(extensions: extensions))
    ])
    let request = try CertificateSigningRequest(
        version: .v1, subject: subject, privateKey: key, attributes: attributes)
    return try request.serializeAsPEM().pemString
}

extension CertificateAuthority {
    /// One with a fresh root of its own, made in memory.
    static func test(
        root: TestIssuer? = nil, lifetimes: LifetimePolicy = LifetimePolicy(), now: Int64 = ManualClock.start
    ) throws -> CertificateAuthority {
        let root = try root ?? TestIssuer("cluster.local")
        let texts = AuthorityMaterial.Texts(
            certificate: try root.pem, key: try root.keyPEM, chain: "", roots: try root.pem)
        return CertificateAuthority(
            trustDomain: try domain(), material: try AuthorityMaterial(texts, now: now), lifetimes: lifetimes, now: now)
    }

    func issue(
        _ pem: String, to identities: [SPIFFEID], lifetime: Int64 = 3600, now: Int64 = ManualClock.start
    ) throws -> IssuedLeaf {
        try issue(SigningRequest(pem: pem), names: identities.map { .spiffe($0) }, lifetime: lifetime, now: now)
    }
}

extension Certificate.PrivateKey {
    var pem: String { get throws { try serializeAsPEM().pemString + "\n" } }
}
