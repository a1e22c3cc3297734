import Crypto
package import MeshCore
import X509

/// Makes one certificate from an authority's folder, without a server.
///
/// Whoever can read the signing key may have any lifetime and any identity of the trust domain.
package struct OfflineIssuance: Sendable {
    package static let certificateFile = "cert-chain.pem"
    package static let keyFile = "key.pem"
    package static let rootFile = "root-cert.pem"

    /// What was made. Times are seconds since 1970.
    package struct Made: Sendable {
        package let serial: String
        package let notBefore: Int64
        package let notAfter: Int64
        /// Paths, in the order in which they were put in place.
        package let files: [String]
    }

    package let authority: AuthorityDirectory
    /// Needed where the folder does not know it.
    package var trustDomain: TrustDomain?
    package let identity: SPIFFEID
    /// Seconds; zero takes 24 hours.
    package var lifetime: Int64 = 0
    /// A PEM signing request; a new P-256 key is made when absent.
    package var requestFile: String?

    package init(authority: AuthorityDirectory, identity: SPIFFEID) {
        self.authority = authority
        self.identity = identity
    }

    /// Writes chain, roots and, if it made one, the key (mode 0600) to a folder, in place of what was there.
    /// - Parameter now: seconds since 1970.
    package func run(out directory: String, now: Int64) throws(MeshFailure) -> Made {
        let doing = "issue a certificate for \(identity)"
        do {
            let lifetimes = LifetimePolicy(standard: LifetimePolicy().standard, longest: LifetimePolicy.ceiling)
            let authority = try authority.open(trustDomain: trustDomain, lifetimes: lifetimes, now: now)
            guard identity.trustDomain == authority.trustDomain else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "\(self.authority.path) is the authority of \(authority.trustDomain)")
            }
            let (request, key) = try request()
            let leaf = try authority.issue(request, names: [.spiffe(identity)], lifetime: lifetime, now: now)
            let chain = leaf.pem + authority.material.chainPEM.joined()
            var files = [FileSet.File(Self.certificateFile, chain), .init(Self.rootFile, authority.material.rootPEM)]
            if let key { files.insert(FileSet.File(Self.keyFile, key, mode: 0o600), at: 0) }
            try FileSet(files).write(to: directory, existing: .replace)
            return Made(
                serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter,
                files: files.map { "\(directory)/\($0.name)" })
        } catch let failure as MeshFailure {
            throw failure
        } catch let error as AuthorityError {
            throw error.failure(doing: doing)
        } catch let error as IssueError {
            let isUsage = if case .lifetime = error { true } else { false }
            throw MeshFailure(isUsage ? .usage : .corrupt, doing: doing, reason: "\(error)")
        } catch {
            throw MeshFailure(.unavailable, doing: doing, reason: "\(error)")
        }
    }

    private func request() throws -> (SigningRequest, keyPEM: String?) {
        if let requestFile {
            return (try SigningRequest(pem: try FileReading.text(requestFile)), nil)
        }
        let key = P256.Signing.PrivateKey()
        return (SigningRequest(ownKey: Certificate.PublicKey(key.publicKey)), key.pemRepresentation + "\n")
    }
}
