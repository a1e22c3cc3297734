import COpenSSL
import Glibc
import Synchronization

/// Chains that were verified before against the same roots and for the same role: the peers of a node come again with the
/// certificates that they had, and a chain's signatures are a quarter of what a handshake costs, more with intermediates.
///
/// What is remembered is that a chain leads to a root, never whose it is or whether it is welcome: each handshake judges
/// the identity anew, and proves that the peer has the key. Belongs to one `TLSContext`, so other roots start from nothing.
/// Shared by all reactors; the lock is held for a look-up.
final class VerifiedChains: Sendable {
    /// Peers of one node, with room for their renewals. Beyond it all are forgotten, which costs each one verification.
    static let most = 4096

    /// SHA-256 of each certificate that the peer sent, in its order. Nothing that was not sent can stand for it.
    typealias Key = [UInt8]

    private struct State {
        /// Seconds since 1970 at which the first certificate of the chain, its root included, runs out.
        var until: [Key: Int64] = [:]
        var hits = 0
    }

    private let state = Mutex(State())

    /// Handshakes that needed no verification.
    var hits: Int { state.withLock { $0.hits } }

    /// - Parameter now: seconds since 1970.
    func holds(_ key: Key, now: Int64) -> Bool {
        state.withLock { state in
            guard let until = state.until[key] else { return false }
            guard now < until else {
                state.until[key] = nil
                return false
            }
            state.hits += 1
            return true
        }
    }

    func note(_ key: Key, until: Int64) {
        state.withLock { state in
            if state.until.count >= Self.most { state.until.removeAll() }
            state.until[key] = until
        }
    }

    /// `nil` where a digest cannot be had, and then the chain is verified as always.
    static func key(_ store: OpaquePointer) -> Key? {
        guard let leaf = unsafe X509_STORE_CTX_get0_cert(store) else { return nil }
        var key = Key()
        guard unsafe append(leaf, to: &key) else { return nil }
        let sent = unsafe X509_STORE_CTX_get0_untrusted(store)
        for index in 0..<max(0, unsafe OPENSSL_sk_num(sent)) {
            guard let item = unsafe OPENSSL_sk_value(sent, index), unsafe append(OpaquePointer(item), to: &key) else {
                return nil
            }
        }
        return key
    }

    private static func append(_ certificate: OpaquePointer, to key: inout Key) -> Bool {
        // 32 bytes is what SHA-256 writes.
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
            var size: UInt32 = 0
            count = unsafe X509_digest(certificate, EVP_sha256(), bytes.baseAddress, &size) == 1 ? Int(size) : 0
        }
        key += digest
        return digest.count == 32
    }

    /// When the first certificate of the chain that was built runs out.
    static func end(_ store: OpaquePointer) -> Int64 {
        let chain = unsafe X509_STORE_CTX_get0_chain(store)
        return (0..<max(0, unsafe OPENSSL_sk_num(chain))).reduce(.max) { end, index in
            guard let item = unsafe OPENSSL_sk_value(chain, index) else { return .min }
            return min(end, unsafe CertificateReader.notAfter(OpaquePointer(item)))
        }
    }
}

/// `app_verify_callback`: asked by libssl in place of `X509_verify_cert`, which it calls where the chain is new.
func verifyChain(_ store: OpaquePointer?, _ chains: UnsafeMutableRawPointer?) -> Int32 {
    guard let store = unsafe store, let chains = unsafe chains else { return 0 }
    // The context that owns it outlives its sessions, which hold the credential.
    let known = unsafe Unmanaged<VerifiedChains>.fromOpaque(chains).takeUnretainedValue()
    guard let key = unsafe VerifiedChains.key(store) else { return unsafe X509_verify_cert(store) }
    let now = Int64(time(nil))
    if known.holds(key, now: now) { return unsafe judgeLeaf(store) }
    let verdict = unsafe X509_verify_cert(store)
    if verdict == 1 { known.note(key, until: unsafe VerifiedChains.end(store)) }
    return verdict
}
