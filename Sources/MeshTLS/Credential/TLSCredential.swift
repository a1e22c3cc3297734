import COpenSSL
package import MeshCore

/// A workload's certificate, key and roots, ready for sessions of both roles.
///
/// Immutable: rotation makes a new one and builds later sessions from it, while sessions that exist keep theirs. May be
/// shared by any number of reactors.
///
/// `@unchecked Sendable`: every property is a constant; the two `SSL_CTX` are never changed after `init`, and libssl
/// counts references and guards the caches inside a context by its own locks (openssl-threads(7)).
package final class TLSCredential: @unchecked Sendable {
    package let identity: SPIFFEID
    /// Of the leaf.
    package let facts: CertificateFacts
    /// Roots that peers are verified against.
    package let rootCount: Int
    /// libcrypto's reason for each block of the trust bundle that was passed over.
    package let skippedRoots: [String]
    /// Room in `output` that a handshake of this credential never exceeds, in bytes.
    package let handshakeRoom: Int

    let server: TLSContext
    let client: TLSContext
    let recordsPerKey: Int
    /// `nil` when libssl keeps the records of every session.
    let recordPlan: RecordPlan?

    /// Seconds since 1970.
    package var notBefore: Int64 { facts.notBefore }
    /// Seconds since 1970.
    package var notAfter: Int64 { facts.notAfter }
    /// Decimal.
    package var serialNumber: String { facts.serialNumber }

    /// Cost: parses PEM and builds two contexts, some hundred microseconds; not for a reactor.
    ///
    /// - Throws: what is wrong with the chain, the key, the bundle or the options; `.expired` when the leaf is.
    package init(_ pem: CredentialPEM, options: TLSOptions = TLSOptions()) throws(TLSError) {
        let (chain, spoiled) = PEM.certificates(pem.certificateChain)
        if let reason = spoiled.first { throw .certificateChain(reason) }
        guard let leaf = chain.first else { throw .certificateChain("it holds no certificate") }
        let (key, reason) = PEM.privateKey(pem.privateKey)
        guard let key else { throw .privateKey(reason) }
        let (roots, skipped) = PEM.certificates(pem.trustBundle)
        guard !roots.isEmpty else { throw .trustBundle(skipped.first ?? "it holds no certificate") }

        facts = leaf.facts
        identity = try Self.ownIdentity(facts.uris)
        rootCount = roots.count
        skippedRoots = skipped
        guard unsafe X509_check_private_key(leaf.raw, key.raw) == 1 else {
            ErrorQueue.clear()
            throw .keyMismatch(leaf: identity.description)
        }
        guard unsafe !CertificateReader.isExpired(leaf.raw) else {
            throw .expired(leaf: identity.description, notAfter: facts.notAfter)
        }

        let store = try TrustStore(roots)
        let intermediates = Array(chain.dropFirst())
        server = try unsafe TLSContext(
            role: .server, leaf: leaf, intermediates: intermediates, key: key, roots: store.raw, options: options)
        client = try unsafe TLSContext(
            role: .client, leaf: leaf, intermediates: intermediates, key: key, roots: store.raw, options: options)
        recordsPerKey = options.recordsPerKey
        recordPlan = try RecordPlan(options)
        // A flight is the chain, five bytes around each certificate, and hello, signature and records: well below 4 KiB
        // with a key of 4096 bits; the rest is for a post-quantum key share.
        handshakeRoom = chain.reduce(8192) { total, certificate in
            total + 5 + Int(max(0, unsafe i2d_X509(certificate.raw, nil)))
        }
    }

    private static func ownIdentity(_ uris: [String]) throws(TLSError) -> SPIFFEID {
        let found = uris.compactMap { try? SPIFFEID(parsing: $0) }
        guard found.count == 1, let identity = found.first else { throw .notASPIFFEID(uris) }
        return identity
    }
}

/// The roots as libcrypto wants them.
@safe private final class TrustStore {
    let raw: OpaquePointer

    init(_ roots: [Certificate]) throws(TLSError) {
        guard let made = unsafe X509_STORE_new() else { throw .library(ErrorQueue.takeText()) }
        unsafe raw = made
        // A bundle may name an intermediate as its root, which other implementations accept as an anchor too.
        _ = unsafe X509_STORE_set_flags(raw, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for root in roots {
            guard unsafe X509_STORE_add_cert(raw, root.raw) == 1 else { throw .trustBundle(ErrorQueue.takeText()) }
        }
    }

    deinit { unsafe X509_STORE_free(raw) }
}
