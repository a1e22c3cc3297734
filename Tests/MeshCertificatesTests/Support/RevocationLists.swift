import Foundation
import Testing
import X509

@testable import MeshCertificates

/// Revocation lists by openssl, for the authorities of a test.
struct RevocationLists {
    private let openssl: OpenSSL

    init() throws { openssl = try OpenSSL() }

    /// The texts of openssl's database: a serial number in hexadecimal, and perhaps why.
    struct Revoked {
        let certificate: Made
        var reason = ""
    }

    /// One list as PEM.
    /// - Parameters:
    ///   - days: from `noon` an hour ago; negative for a list that ended.
    ///   - extensions: further ones of the list, as lines of openssl's configuration.
    func pem(
        by issuer: Made, _ revoked: [Revoked], from: Int64 = noon - 3600, until: Int64 = noon + 7 * day,
        extensions: [String] = []
    ) throws -> String {
        try openssl.write("issuer.pem", issuer.pem)
        try openssl.write("issuer.key", issuer.keyPEM)
        try openssl.write("number", "012C\n")
        let lines = revoked.map { one in
            let serial = one.certificate.certificate.serialNumber.bytes
                .map { String(format: "%02X", $0) }.joined()
            let why = one.reason.isEmpty ? "" : ",\(one.reason)"
            return "R\t\(Self.time(noon + day))\t\(Self.time(noon - 60))\(why)\t\(serial)\tunknown\t/CN=x\n"
        }
        try openssl.write("index.txt", lines.joined())
        let configuration =
            [
                "[ca]", "default_ca=one", "[one]", "database=index.txt", "crlnumber=number", "default_md=sha256",
                "crl_extensions=ext", "[ext]", "authorityKeyIdentifier=keyid",
            ] + extensions
        try openssl.write("ca.cnf", configuration.joined(separator: "\n") + "\n")
        try openssl.run([
            "ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "issuer.key", "-cert", "issuer.pem", "-crl_lastupdate",
            Self.time(from), "-crl_nextupdate", Self.time(until), "-out", "list.pem",
        ])
        return try openssl.text("list.pem")
    }

    func list(
        by issuer: Made, _ revoked: [Revoked], from: Int64 = noon - 3600, until: Int64 = noon + 7 * day,
        extensions: [String] = []
    ) throws -> CertificatePart {
        let text = try pem(by: issuer, revoked, from: from, until: until, extensions: extensions)
        return CertificateBytes.part(Array(text.utf8), name: "ca-crl.pem")
    }

    /// `YYMMDDHHMMSSZ`.
    private static func time(_ seconds: Int64) -> String {
        let format = DateFormatter()
        format.dateFormat = "yyMMddHHmmss'Z'"
        format.timeZone = TimeZone(identifier: "UTC")
        format.locale = Locale(identifier: "en_US_POSIX")
        return format.string(from: date(seconds))
    }
}
