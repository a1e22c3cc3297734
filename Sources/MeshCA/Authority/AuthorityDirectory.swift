import Crypto
package import MeshCore
import X509

/// A certificate authority in a folder, in the layout of Istio's plug-in certificates.
///
/// Shape: `ca-cert.pem`, `ca-key.pem` (mode 0600), `root-cert.pem`, `cert-chain.pem` (may be empty), perhaps
/// `ca-crl.pem`, and our own `authority.yaml` with the trust domain. A `cacerts` folder made for istiod can be used as
/// it is; its trust domain must then be named.
package struct AuthorityDirectory: Sendable {
    package static let certificateFile = "ca-cert.pem"
    package static let keyFile = "ca-key.pem"
    package static let rootFile = "root-cert.pem"
    package static let chainFile = "cert-chain.pem"
    package static let revocationFile = "ca-crl.pem"
    package static let settingsFile = "authority.yaml"

    private static let required = [keyFile, certificateFile, rootFile, chainFile]

    package let path: String
    package init(_ path: String) { self.path = path }

    /// Makes a new authority with its own P-256 root.
    /// - Parameters:
    ///   - rootLifetime: seconds, at least 1.
    ///   - now: seconds since 1970.
    /// - Throws: `.exists` when one of the files is there, whoever made it.
    package func create(
        trustDomain: TrustDomain, rootLifetime: Int64, now: Int64
    ) throws(AuthorityError) -> CertificateAuthority {
        guard (1...LifetimePolicy.ceiling).contains(rootLifetime) else {
            throw .settings(["root lifetime is \(rootLifetime) s; it must be 1 s to 100 years"])
        }
        if let taken = (Self.required + [Self.settingsFile]).first(where: isThere) { throw .exists(path: file(taken)) }
        let texts = try rootTexts(trustDomain: trustDomain, notBefore: now, notAfter: now + rootLifetime)
        let files = FileSet([
            // The key first: of two that run at once, the second stops here.
            .init(Self.keyFile, texts.key, mode: 0o600),
            .init(Self.certificateFile, texts.certificate),
            .init(Self.chainFile, texts.chain),
            .init(Self.settingsFile, AuthoritySettings(trustDomain: trustDomain).text),
            .init(Self.rootFile, texts.roots),
        ])
        do {
            try files.write(to: path, existing: .refuse)
        } catch {
            throw error.isAlreadyThere ? .exists(path: file(Self.keyFile)) : .file(error)
        }
        return try open(trustDomain: trustDomain, lifetimes: LifetimePolicy(), now: now)
    }

    /// Reads and checks an authority.
    /// - Parameter trustDomain: what the folder should be for; needed when it has no `authority.yaml`.
    package func open(
        trustDomain: TrustDomain?, lifetimes: LifetimePolicy, now: Int64
    ) throws(AuthorityError) -> CertificateAuthority {
        let missing = Self.required.filter { !isThere($0) }
        if missing.count == Self.required.count { throw .notFound(directory: path) }
        guard missing.isEmpty else { throw .incomplete(directory: path, missing: missing) }
        let problems = lifetimes.problems()
        guard problems.isEmpty else { throw .settings(problems) }
        let resolved = try resolve(trustDomain)
        let texts = AuthorityMaterial.Texts(
            certificate: try text(Self.certificateFile), key: try text(Self.keyFile, secrecy: .ownerOnly),
            chain: try text(Self.chainFile), roots: try text(Self.rootFile),
            revocations: isThere(Self.revocationFile) ? try text(Self.revocationFile) : nil)
        do {
            let material = try AuthorityMaterial(texts, now: now)
            return CertificateAuthority(trustDomain: resolved, material: material, lifetimes: lifetimes, now: now)
        } catch .part(let part, let reason) {
            throw .content(path: file(Self.name(of: part)), reason: reason)
        } catch {
            throw .inconsistent(directory: path, reason: "\(error)")
        }
    }

    private func rootTexts(
        trustDomain: TrustDomain, notBefore: Int64, notAfter: Int64
    ) throws(AuthorityError) -> AuthorityMaterial.Texts {
        do {
            let key = P256.Signing.PrivateKey()
            let root = try CertificateProfile.root(
                trustDomain: trustDomain, key: Certificate.PrivateKey(key), notBefore: notBefore, notAfter: notAfter)
            let pem = try PEM.text(root)
            return AuthorityMaterial.Texts(
                certificate: pem, key: key.pemRepresentation + "\n", chain: "", roots: pem)
        } catch {
            throw .inconsistent(directory: path, reason: "make root certificate: \(error)")
        }
    }

    private func resolve(_ given: TrustDomain?) throws(AuthorityError) -> TrustDomain {
        guard isThere(Self.settingsFile) else {
            guard let given else { throw .trustDomainUnknown(directory: path) }
            return given
        }
        let stored: TrustDomain
        do {
            stored = try AuthoritySettings(parsing: text(Self.settingsFile), file: file(Self.settingsFile)).trustDomain
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw .content(path: file(Self.settingsFile), reason: "\(error)")
        }
        guard given == nil || given == stored else {
            throw .trustDomainDiffers(directory: path, stored: stored.name, given: given?.name ?? "")
        }
        return stored
    }

    private static func name(of part: MaterialError.Part) -> String {
        switch part {
        case .certificate: certificateFile
        case .key: keyFile
        case .chain: chainFile
        case .roots: rootFile
        case .revocations: revocationFile
        }
    }

    private func file(_ name: String) -> String { "\(path)/\(name)" }
    private func isThere(_ name: String) -> Bool { FileStamp(path: file(name)) != nil }

    private func text(_ name: String, secrecy: FileReading.Secrecy = .open) throws(AuthorityError) -> String {
        do {
            return try FileReading.text(file(name), secrecy: secrecy)
        } catch {
            throw .file(error)
        }
    }
}
