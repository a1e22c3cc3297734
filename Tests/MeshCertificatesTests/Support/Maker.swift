import Crypto
import Foundation
import MeshCertificates
import SwiftASN1
import X509
import _CryptoExtras

let day: Int64 = 86_400
/// The time that tests judge at: 2026-11-25T12:00:00Z.
let noon: Int64 = 1_795_608_000

func date(_ seconds: Int64) -> Date { Date(timeIntervalSince1970: Double(seconds)) }

/// A certificate with its key, made by the X.509 library, to build chains and mistakes from.
struct Made {
    let certificate: Certificate
    let key: Certificate.PrivateKey

    var der: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
    }
    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }
    var keyPEM: String { get throws { try key.serializeAsPEM().pemString + "\n" } }
    var parsed: ParsedCertificate { get throws { try ParsedCertificate(der: der) } }
}

/// What to make; the defaults are a good mesh leaf or authority.
struct Recipe {
    var subject = DistinguishedName()
    var names: [GeneralName] = []
    var namesAreCritical = true
    var isAuthority = false
    var pathLength: Int?
    var usage: KeyUsage?
    var extendedUsage: [ExtendedKeyUsage.Usage] = []
    var notBefore = noon - 3600
    var notAfter = noon + 23 * 3600
    var more: [Certificate.Extension] = []
    var key: Certificate.PrivateKey?

    static func authority(_ name: String, pathLength: Int? = nil) throws -> Recipe {
        var recipe = Recipe()
        recipe.subject = try DistinguishedName { OrganizationName(name) }
        recipe.isAuthority = true
        recipe.pathLength = pathLength
        recipe.usage = KeyUsage(keyCertSign: true)
        recipe.notBefore = noon - 365 * day
        recipe.notAfter = noon + 3650 * day
        return recipe
    }

    static func leaf(_ uri: String = "spiffe://cluster.local/ns/shop/sa/cart") -> Recipe {
        var recipe = Recipe()
        recipe.names = [.uniformResourceIdentifier(uri)]
        recipe.usage = KeyUsage(digitalSignature: true, keyEncipherment: true)
        recipe.extendedUsage = [.serverAuth, .clientAuth]
        return recipe
    }

    func make(by issuer: Made? = nil) throws -> Made {
        let key = self.key ?? Certificate.PrivateKey(P256.Signing.PrivateKey())
        var extensions = Certificate.Extensions()
        if isAuthority || !names.isEmpty {
            let constraints =
                isAuthority
                ? BasicConstraints.isCertificateAuthority(maxPathLength: pathLength) : .notCertificateAuthority
            try extensions.append(Certificate.Extension(constraints, critical: true))
        }
        if let usage { try extensions.append(Certificate.Extension(usage, critical: true)) }
        if !extendedUsage.isEmpty {
            try extensions.append(Certificate.Extension(ExtendedKeyUsage(extendedUsage), critical: false))
        }
        if isAuthority {
            try extensions.append(Certificate.Extension(SubjectKeyIdentifier(hash: key.publicKey), critical: false))
        }
        if let identifier = try issuer?.certificate.extensions.subjectKeyIdentifier?.keyIdentifier {
            try extensions.append(
                Certificate.Extension(AuthorityKeyIdentifier(keyIdentifier: identifier), critical: false))
        }
        if !names.isEmpty {
            try extensions.append(Certificate.Extension(SubjectAlternativeNames(names), critical: namesAreCritical))
        }
        for one in more { try extensions.append(one) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(bytes: [1] + (0..<7).map { _ in UInt8.random(in: 0...255) }),
            publicKey: key.publicKey, notValidBefore: date(notBefore), notValidAfter: date(notAfter),
            issuer: issuer?.certificate.subject ?? subject, subject: subject, extensions: extensions,
            issuerPrivateKey: issuer?.key ?? key)
        return Made(certificate: certificate, key: key)
    }

    /// The same with changes.
    func with(_ change: (inout Recipe) throws -> Void) rethrows -> Recipe {
        var copy = self
        try change(&copy)
        return copy
    }
}

/// A root, an intermediate below it, and a leaf below that.
struct Chain {
    let root: Made
    let intermediate: Made
    let leaf: Made

    init(leaf recipe: Recipe = .leaf()) throws {
        root = try Recipe.authority("cluster.local").make()
        intermediate = try Recipe.authority("intermediate").make(by: root)
        leaf = try recipe.make(by: intermediate)
    }
}

func part(_ made: [Made], _ name: String = "chain.pem") throws -> CertificatePart {
    var part = CertificatePart(name: name)
    part.certificates = try made.map { try $0.parsed }
    return part
}

func inspect(
    _ parts: [CertificatePart], roots: [Made]? = nil, _ change: (inout Inspection.Options) throws -> Void = { _ in }
) throws -> InspectionReport {
    var options = Inspection.Options(now: noon)
    if let roots {
        options.bundle = try part(roots, "roots.pem")
    }
    try change(&options)
    return Inspection(options).report([Inspection.Subject(CertificateSet(name: "test", parts: parts))])
}

extension InspectionReport {
    var checks: [CertificateFinding.Check] { findings.map(\.check) }
    var verdict: TrustVerdict? { sets.first?.verdicts.first }
}
