package import MeshCore
import SwiftASN1
package import X509

/// A signing key with its certificates, checked as a whole, and what it makes of requests.
package struct CertificateAuthority: Sendable {
    package let trustDomain: TrustDomain
    package let material: AuthorityMaterial
    package let lifetimes: LifetimePolicy
    /// Other names of the trust domain: recognised, never issued.
    package var aliases: [TrustDomain] = []

    /// A default lifetime longer than what the first certificate of the chain has left is shortened to that.
    package init(trustDomain: TrustDomain, material: AuthorityMaterial, lifetimes: LifetimePolicy, now: Int64) {
        self.trustDomain = trustDomain
        self.material = material
        var lifetimes = lifetimes
        if let first = material.chain.first {
            lifetimes.standard = min(lifetimes.standard, UnixTime.seconds(first.notValidAfter) - now)
        }
        self.lifetimes = lifetimes
    }

    /// Signs one certificate.
    ///
    /// - Parameters:
    ///   - names: all of them go in, in this order; the caller has established that they are due.
    ///   - lifetime: seconds; zero or less means the default.
    ///   - now: seconds since 1970. Validity begins two minutes earlier and ends no later than the issuer's.
    package func issue(
        _ request: SigningRequest, names: [SubjectName], lifetime: Int64, now: Int64
    ) throws(IssueError) -> IssuedLeaf {
        let issuerEnd = UnixTime.seconds(material.signing.notValidAfter)
        let issuerStart = UnixTime.seconds(material.signing.notValidBefore)
        let lifetime = try lifetimes.lifetime(requested: lifetime)
        guard now >= issuerStart else { throw .notYetValid(notBefore: issuerStart) }
        guard now < issuerEnd else { throw .expired(notAfter: issuerEnd) }
        let notBefore = now - CertificateProfile.backdating
        let notAfter = min(now + lifetime, issuerEnd)
        do {
            let leaf = try CertificateProfile.leaf(
                for: request, names: names, of: material, notBefore: notBefore, notAfter: notAfter)
            return IssuedLeaf(
                certificate: leaf, pem: try PEM.text(leaf), serial: HexText.of(leaf.serialNumber.bytes),
                notBefore: notBefore, notAfter: notAfter)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// The reply layout of Istio: leaf, each intermediate by itself, all roots in one last element.
    package func reply(for leaf: IssuedLeaf) -> [String] { [leaf.pem] + material.chainPEM + [material.rootPEM] }
}

/// A certificate fresh from the authority. Times are seconds since 1970.
package struct IssuedLeaf: Sendable {
    package let certificate: Certificate
    package let pem: String
    /// Lower-case hexadecimal.
    package let serial: String
    package let notBefore: Int64
    package let notAfter: Int64
}

/// A certificate in short. Times are seconds since 1970.
package struct CertificateSummary: Sendable {
    package let subject: String
    /// Lower-case hexadecimal.
    package let serial: String
    package let notBefore: Int64
    package let notAfter: Int64

    init(_ certificate: Certificate) {
        subject = "\(certificate.subject)"
        serial = HexText.of(certificate.serialNumber.bytes)
        notBefore = UnixTime.seconds(certificate.notValidBefore)
        notAfter = UnixTime.seconds(certificate.notValidAfter)
    }
}

extension CertificateAuthority {
    package var signerSummary: CertificateSummary { CertificateSummary(material.signing) }
    package var rootSummaries: [CertificateSummary] { material.roots.map(CertificateSummary.init) }

    /// Whether it signs with a root that is its own; others are replaced by whoever made them.
    var signsWithRoot: Bool {
        material.signing.issuer == material.signing.subject && material.roots.contains(material.signing)
    }
}
