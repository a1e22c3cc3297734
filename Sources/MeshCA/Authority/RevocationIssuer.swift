package import MeshCore
import SwiftASN1
import X509

/// Revokes certificates of an authority, and keeps its lists in `ca-crl.pem` fresh.
///
/// The file is the only record: each of our lists is made from the one before it. Lists of other issuers in it, such as
/// of the root above a plug-in authority, stay as they are.
package struct RevocationIssuer: Sendable {
    private let store: any AuthorityStore
    /// From one list to the time by which there will be a newer one. Seconds; 7 days.
    package var validity: Int64 = 7 * 24 * 3600

    package init(_ store: any AuthorityStore) { self.store = store }

    /// Our lists as they are now.
    package struct Issued: Sendable {
        package let pem: String
        package let number: UInt64
        package let revoked: Int
        /// Seconds since 1970.
        package let nextUpdate: Int64
    }

    /// Adds serial numbers, big-endian, and signs new lists; without numbers it only does the latter.
    /// - Parameters:
    ///   - trustDomain: needed where the files do not know it.
    ///   - now: seconds since 1970.
    package func issue(
        revoking serials: [[UInt8]] = [], reason: RevocationList.Reason? = nil, trustDomain: TrustDomain? = nil,
        now: Int64
    ) async throws(AuthorityError) -> Issued {
        guard (1...LifetimePolicy.ceiling).contains(validity) else {
            throw .settings(["validity of a revocation list is \(validity) s; it must be 1 s to 100 years"])
        }
        let added = serials.map {
            RevocationList.Entry(serial: RevocationList.serial($0), revokedAt: now, reason: reason)
        }
        return try await store.change { files throws(AuthorityError) in
            let authority = try files.authority(trustDomain: trustDomain, now: now)
            return try issue(authority, &files, adding: added, now: now)
        }
    }

    private func issue(
        _ authority: CertificateAuthority, _ files: inout AuthorityFiles, adding added: [RevocationList.Entry],
        now: Int64
    ) throws(AuthorityError) -> Issued {
        let writers = try Self.writers(authority, files)
        if let writer = writers.first(where: { !$0.isAllowed }) {
            throw files.refused(
                "certificate \"\(writer.issuer.subject)\" may not sign revocation lists (cRLSign); replace it, or with "
                    + "a root of meshctl run meshctl ca rotate first")
        }
        let old = authority.material.revocations.filter { list in
            writers.contains { $0.issuer.subject == list.issuer }
        }
        // An entry may go when its certificate has ended, and one list has said so since.
        let state = try files.state()
        let forgotten = state.longest == 0 ? Int64.min : now - state.longest - validity
        var entries: [RevocationList.Entry] = []
        var known: Set<[UInt8]> = []
        for entry in old.flatMap(\.entries).filter({ $0.revokedAt > forgotten }) + added
        where known.insert(entry.serial).inserted { entries.append(entry) }
        let number = (old.map(\.number).max() ?? 0) + 1
        do {
            let ours = try writers.map {
                try $0.pem(entries, number: number, thisUpdate: now, nextUpdate: now + validity)
            }
            let pem =
                try ours.joined() + Self.foreign(authority.material.revocationPEM, writers.map(\.issuer))
            files[.revocations] = pem
            // What is written must be what the next start accepts.
            _ = try files.material(now: now)
            return Issued(pem: pem, number: number, revoked: entries.count, nextUpdate: now + validity)
        } catch {
            throw error as? AuthorityError ?? files.refused("sign a revocation list: \(error)")
        }
    }

    /// Signs new lists when half of the time of the ones that are there has gone.
    /// - Parameter hasPrevious: whether the files, as last read, still have the signer before this one. The store is asked
    ///   only when there is something to do.
    /// - Returns: `nil` when there are none, or none is due.
    package func refresh(
        _ authority: CertificateAuthority, hasPrevious: Bool, now: Int64
    ) async throws(AuthorityError) -> Issued? {
        let lists = authority.material.revocations
        guard !lists.isEmpty else { return nil }
        let subject = authority.material.signing.subject
        let ours = lists.filter { $0.issuer == subject }
        let isDue = ours.contains { list in
            guard let next = list.nextUpdate else { return false }
            return now >= list.thisUpdate + (next - list.thisUpdate) / 2
        }
        guard isDue || ours.isEmpty && hasPrevious else { return nil }
        return try await store.change { files throws(AuthorityError) in
            // A new signer has to say again what the one before it said. Others' lists are no reason to begin one.
            guard isDue || files[.previousCertificate] != nil else { return nil }
            let current = try files.authority(trustDomain: authority.trustDomain, now: now)
            guard current.material.signing == authority.material.signing else { return nil }
            return try issue(current, &files, adding: [], now: now)
        }
    }

    /// The text of the lists without those that an issuer signed; `nil` when there are none.
    static func lists(of files: AuthorityFiles, without issuer: String) throws(AuthorityError) -> String? {
        guard let text = files[.revocations] else { return nil }
        do {
            let rest = try foreign(text, PEM.certificates(issuer))
            return rest.isEmpty ? nil : rest
        } catch {
            throw .content(path: files.path(.revocations), reason: "\(error)")
        }
    }

    private static func foreign(_ text: String, _ issuers: [Certificate]) throws -> String {
        try RevocationList.blocks(text).filter { block in
            let list = try SignedRevocationList(derEncoded: block.derBytes)
            return !issuers.contains(where: list.isSigned(by:))
        }.map { $0.pemString + "\n" }.joined()
    }

    /// The signer, and the one before it for as long as its certificates live.
    private static func writers(
        _ authority: CertificateAuthority, _ files: AuthorityFiles
    ) throws(AuthorityError) -> [RevocationListWriter] {
        let current = RevocationListWriter(issuer: authority.material.signing, key: authority.material.key)
        guard let pem = files[.previousCertificate] else { return [current] }
        guard let certificate = try? PEM.certificates(pem).first, let secret = files[.previousKey],
            let key = try? Certificate.PrivateKey(pemEncoded: secret), key.publicKey == certificate.publicKey
        else {
            throw .content(
                path: files.path(.previousKey),
                reason: "does not belong to the certificate of the signer before this one")
        }
        return [current, RevocationListWriter(issuer: certificate, key: key)]
    }
}
