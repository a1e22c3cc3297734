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
    /// Text of a PEM signing request; a new P-256 key is made when absent.
    package var request: String?
    /// Who asks, for the audit log.
    package var caller = ""

    package init(authority: AuthorityDirectory, identity: SPIFFEID) {
        self.authority = authority
        self.identity = identity
    }

    /// Writes chain, roots and, if it made one, the key (mode 0600) to a folder, in place of what was there.
    ///
    /// A folder of ours remembers the certificate and has it in its audit log before the files are there.
    /// - Parameter now: microseconds since 1970.
    package func run(out directory: String, now: Int64) async throws(MeshFailure) -> Made {
        let (leaf, key, authority) = try await sign(now: now)
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
    package func chain(now: Int64) async throws(MeshFailure) -> (leaf: IssuedLeaf, pem: String) {
        let (leaf, _, authority) = try await sign(now: now)
        return (leaf, leaf.pem + authority.material.chainPEM.joined())
    }

    private var doing: String { "issue a certificate for \(identity)" }

    private func sign(
        now: Int64
    ) async throws(MeshFailure) -> (leaf: IssuedLeaf, key: String?, authority: CertificateAuthority) {
        let seconds = now / 1_000_000
        do {
            let lifetimes = LifetimePolicy(standard: LifetimePolicy().standard, longest: LifetimePolicy.ceiling)
            let files = try authority.read()
            let authority = try files.authority(trustDomain: trustDomain, lifetimes: lifetimes, now: seconds)
            guard identity.trustDomain == authority.trustDomain else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "\(self.authority.path) is the authority of \(authority.trustDomain)")
            }
            let (request, key) = try signingRequest()
            let leaf = try authority.issue(request, names: [.spiffe(identity)], lifetime: lifetime, now: seconds)
            if files[.settings] != nil {
                try await IssuanceMemory(self.authority, known: try files.state()).cover(
                    notAfter: leaf.notAfter, signedBy: authority.material.signing, now: seconds)
                var record = AuditRecord(.issued, time: now)
                record.caller = caller
                record.identity = "\(identity)"
                record.serial = leaf.serial
                record.notAfter = leaf.notAfter
                try AuditFolder.note(record, beside: self.authority.path)
            }
            return (leaf, key, authority)
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
