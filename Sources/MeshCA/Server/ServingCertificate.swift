import Crypto
import MeshCore
import NIOSSL
import Synchronization
import X509

/// The authority's own TLS identity, made by itself and kept in memory only.
///
/// Renewed at half of its life and when the authority changes, as the next connection comes: connections that are open
/// keep what they agreed upon, so nothing needs to restart.
final class ServingCertificate: Sendable {
    private struct Current {
        let context: NIOSSLContext
        let version: UInt64
        /// Seconds since 1970.
        let renewAt: Int64
    }

    private let slot: AuthoritySlot
    private let names: [SubjectName]
    private let clock: any WallClock
    private let current = Mutex<Current?>(nil)

    init(slot: AuthoritySlot, names: [SubjectName], clock: any WallClock) {
        self.slot = slot
        self.names = names
        self.clock = clock
    }

    /// - Throws: `IssueError` when the authority cannot sign any more, or what the TLS library says.
    func context() throws -> NIOSSLContext {
        let (authority, version) = slot.versioned
        return try current.withLock { current in
            let now = clock.seconds
            if let current, now < current.renewAt, current.version == version { return current.context }
            let next = try make(authority, version: version, now: now)
            current = next
            return next.context
        }
    }

    /// 24 hours as a workload's, whatever the authority's own default is.
    private static let lifetime: Int64 = 24 * 3600

    private func make(_ authority: CertificateAuthority, version: UInt64, now: Int64) throws -> Current {
        let key = P256.Signing.PrivateKey()
        let request = SigningRequest(ownKey: Certificate.PublicKey(key.publicKey))
        let lifetime = min(Self.lifetime, authority.lifetimes.longest)
        let leaf = try authority.issue(request, names: names, lifetime: lifetime, now: now)
        let chain = try ([leaf.pem] + authority.material.chainPEM).flatMap { pem in
            try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { NIOSSLCertificateSource.certificate($0) }
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2"]
        // A client certificate is verified when there is one; a bad one ends the handshake.
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(authority.material.rootPEM.utf8)))
        let renewAt = leaf.notBefore + (leaf.notAfter - leaf.notBefore) / 2
        return Current(
            context: try NIOSSLContext(configuration: configuration), version: version, renewAt: renewAt)
    }
}
