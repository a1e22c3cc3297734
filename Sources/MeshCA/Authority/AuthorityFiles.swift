import Crypto
package import MeshCore
import X509

/// The files of an authority as they were at one moment, wherever they are kept.
///
/// Shape: the layout of Istio's plug-in certificates, `ca-cert.pem`, `ca-key.pem`, `root-cert.pem`, `cert-chain.pem`
/// (may be empty), perhaps `ca-crl.pem`; and our own `authority.yaml` with the trust domain, `state.yaml` with what is
/// remembered between runs, and the pairs of a rotation. A `cacerts` folder made for istiod can be used as it is; its
/// trust domain must then be named.
package struct AuthorityFiles: Sendable {
    package enum Name: String, Sendable, CaseIterable {
        // The key first: of two that make one folder at once, the second stops here.
        case key = "ca-key.pem"
        case certificate = "ca-cert.pem"
        case chain = "cert-chain.pem"
        case settings = "authority.yaml"
        case roots = "root-cert.pem"
        case revocations = "ca-crl.pem"
        case state = "state.yaml"
        /// A root that is handed out and does not sign yet.
        case nextCertificate = "next-cert.pem"
        case nextKey = "next-key.pem"
        /// The signer before this one, while certificates of it live. Its key signs revocation lists.
        case previousCertificate = "previous-cert.pem"
        case previousKey = "previous-key.pem"

        /// Nobody but the owner may read it.
        package var isSecret: Bool { [.key, .nextKey, .previousKey].contains(self) }
        /// Bytes.
        package var limit: Int { self == .revocations ? 16 << 20 : 1 << 20 }

        static let required: [Name] = [.key, .certificate, .roots, .chain]
    }

    /// Where they are kept, for messages: a folder, or namespace and name of a secret.
    package let place: String
    /// What their store tells one moment from another by.
    package let version: String
    package private(set) var texts: [Name: String]

    package init(place: String, version: String, texts: [Name: String]) {
        self.place = place
        self.version = version
        self.texts = texts
    }

    package subscript(name: Name) -> String? {
        get { texts[name] }
        set { texts[name] = newValue }
    }

    /// - Throws: `.incomplete` when it is not there.
    package func text(_ name: Name) throws(AuthorityError) -> String {
        guard let text = texts[name] else { throw .incomplete(directory: place, missing: [name.rawValue]) }
        return text
    }

    package func path(_ name: Name) -> String { "\(place)/\(name.rawValue)" }

    // MARK: - Reading

    /// Checks everything as a whole.
    /// - Parameter trustDomain: what they should be for; needed without `authority.yaml`.
    package func authority(
        trustDomain: TrustDomain?, lifetimes: LifetimePolicy = LifetimePolicy(), now: Int64
    ) throws(AuthorityError) -> CertificateAuthority {
        let missing = Name.required.filter { texts[$0] == nil }
        if missing.count == Name.required.count { throw .notFound(directory: place) }
        guard missing.isEmpty else { throw .incomplete(directory: place, missing: missing.map(\.rawValue)) }
        let problems = lifetimes.problems()
        guard problems.isEmpty else { throw .settings(problems) }
        let settings = try settings(trustDomain)
        var authority = CertificateAuthority(
            trustDomain: settings.trustDomain, material: try material(now: now), lifetimes: lifetimes, now: now)
        authority.aliases = settings.aliases
        return authority
    }

    /// Certificates and key, known to fit each other.
    func material(now: Int64) throws(AuthorityError) -> AuthorityMaterial {
        let texts = AuthorityMaterial.Texts(
            certificate: try text(.certificate), key: try text(.key), chain: try text(.chain), roots: try text(.roots),
            revocations: self[.revocations])
        do {
            return try AuthorityMaterial(texts, now: now)
        } catch .part(let part, let reason) {
            throw .content(path: path(Self.name(of: part)), reason: reason)
        } catch {
            throw .inconsistent(directory: place, reason: "\(error)")
        }
    }

    /// What is remembered between runs.
    package func state() throws(AuthorityError) -> AuthorityState {
        guard let text = self[.state] else { return AuthorityState() }
        do {
            return try AuthorityState(parsing: text, file: path(.state))
        } catch {
            throw .content(path: path(.state), reason: "\(error)")
        }
    }

    private func settings(_ given: TrustDomain?) throws(AuthorityError) -> AuthoritySettings {
        guard let text = self[.settings] else {
            guard let given else { throw .trustDomainUnknown(directory: place) }
            return AuthoritySettings(trustDomain: given)
        }
        let stored: AuthoritySettings
        do {
            stored = try AuthoritySettings(parsing: text, file: path(.settings))
        } catch {
            throw .content(path: path(.settings), reason: "\(error)")
        }
        guard given == nil || given == stored.trustDomain else {
            throw .trustDomainDiffers(directory: place, stored: stored.trustDomain.name, given: given?.name ?? "")
        }
        return stored
    }

    private static func name(of part: MaterialError.Part) -> Name {
        switch part {
        case .certificate: .certificate
        case .key: .key
        case .chain: .chain
        case .roots: .roots
        case .revocations: .revocations
        }
    }

    // MARK: - Making

    /// The texts of a new authority with its own P-256 root.
    /// - Parameters:
    ///   - rootLifetime: seconds, at least 1.
    ///   - now: seconds since 1970.
    package static func made(
        trustDomain: TrustDomain, aliases: [TrustDomain] = [], rootLifetime: Int64, now: Int64
    ) throws(AuthorityError) -> [Name: String] {
        let root = try root(trustDomain: trustDomain, notBefore: now, lifetime: rootLifetime)
        return [
            .key: root.key, .certificate: root.certificate, .chain: "", .roots: root.certificate,
            .settings: AuthoritySettings(trustDomain: trustDomain, aliases: aliases).text,
        ]
    }

    /// A new root with its key, P-256.
    /// - Parameter unit: tells it from the ones before it.
    static func root(
        trustDomain: TrustDomain, unit: String? = nil, notBefore: Int64, lifetime: Int64
    ) throws(AuthorityError) -> (certificate: String, key: String) {
        guard (1...LifetimePolicy.ceiling).contains(lifetime) else {
            throw .settings(["root lifetime is \(lifetime) s; it must be 1 s to 100 years"])
        }
        do {
            let key = P256.Signing.PrivateKey()
            let root = try CertificateProfile.root(
                trustDomain: trustDomain, unit: unit, key: Certificate.PrivateKey(key), notBefore: notBefore,
                notAfter: notBefore + lifetime)
            return (try PEM.text(root), key.pemRepresentation + "\n")
        } catch {
            throw .settings(["make root certificate: \(error)"])
        }
    }
}
