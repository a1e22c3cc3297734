import Crypto
package import MeshCore
import X509

/// Makes one certificate with an authority's key, without a server.
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

    private let authority: OfflineAuthority
    private let identity: SPIFFEID
    private let lifetime: Int64
    private let request: String?

    /// - Parameters:
    ///   - lifetime: seconds; zero takes 24 hours.
    ///   - request: text of a PEM signing request; a new P-256 key is made when absent.
    package init(_ authority: OfflineAuthority, identity: SPIFFEID, lifetime: Int64, request: String?) {
        self.authority = authority
        self.identity = identity
        self.lifetime = lifetime
        self.request = request
    }

    /// Writes chain, roots and, if it made one, the key (mode 0600) to a folder, in place of what was there.
    ///
    /// An authority of ours remembers the certificate and has it in its audit log before the files are there.
    package func run(out directory: String) async throws(MeshFailure) -> Made {
        let (leaf, key, authority) = try await sign()
        var files = [
            FileSet.File(Self.certificateFile, leaf.pem + authority.material.chainPEM.joined()),
            FileSet.File(Self.rootFile, authority.material.rootPEM),
        ]
        if let key { files.insert(FileSet.File(Self.keyFile, key, mode: 0o600), at: 0) }
        do {
            try FileSet(files).write(to: directory, existing: .replace)
        } catch {
            throw MeshFailure(.unavailable, doing: doing, reason: "\(error)")
        }
        return Made(
            serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter,
            files: files.map { "\(directory)/\($0.name)" })
    }

    /// The certificate for `request` with the authority's chain, in PEM, and nothing on disk but its record.
    package func chain() async throws(MeshFailure) -> (leaf: IssuedLeaf, pem: String) {
        let (leaf, _, authority) = try await sign()
        return (leaf, leaf.pem + authority.material.chainPEM.joined())
    }

    private var doing: String { "issue a certificate for \(identity)" }

    private func sign()
        async throws(MeshFailure) -> (leaf: IssuedLeaf, key: String?, authority: CertificateAuthority)
    {
        let now = authority.clock.seconds
        do {
            let lifetimes = LifetimePolicy(standard: LifetimePolicy().standard, longest: LifetimePolicy.ceiling)
            let files = try await authority.store.load()
            let signer = try files.authority(trustDomain: authority.trustDomain, lifetimes: lifetimes, now: now)
            guard identity.trustDomain == signer.trustDomain else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "\(authority.store.place) is the authority of \(signer.trustDomain)")
            }
            let (request, key) = try signingRequest()
            let leaf = try signer.issue(request, names: [.spiffe(identity)], lifetime: lifetime, now: now)
            if files[.settings] != nil {
                try await IssuanceMemory(authority.store, known: try files.state()).cover(
                    notAfter: leaf.notAfter, signedBy: signer.material.signing, now: now)
                var record = authority.record(.issued, serial: leaf.serial)
                record.identity = "\(identity)"
                record.notAfter = leaf.notAfter
                try authority.note([record])
            }
            return (leaf, key, signer)
        } catch let failure as MeshFailure {
            throw failure
        } catch let error as AuthorityError {
            throw error.failure(doing: doing)
        } catch let error as AuditError {
            throw error.failure(doing: doing)
        } catch let error as IssueError {
            let isUsage =
                switch error {
                case .lifetime, .signingRequest: true
                default: false
                }
            throw MeshFailure(isUsage ? .usage : .corrupt, doing: doing, reason: "\(error)")
        } catch {
            throw MeshFailure(.unavailable, doing: doing, reason: "\(error)")
        }
    }

    private func signingRequest() throws -> (SigningRequest, keyPEM: String?) {
        if let request { return (try SigningRequest(pem: request), nil) }
        let key = P256.Signing.PrivateKey()
        return (SigningRequest(ownKey: Certificate.PublicKey(key.publicKey)), key.pemRepresentation + "\n")
    }
}
