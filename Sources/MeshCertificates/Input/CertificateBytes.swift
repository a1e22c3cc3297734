import MeshYAML
import SwiftASN1

/// Bytes of any of the forms that certificates are kept in.
package enum CertificateBytes {
    /// Bytes of one input.
    package static let sizeLimit = 64 << 20
    /// Certificates of one input.
    package static let countLimit = PEMBlock.countLimit

    /// The sets that `bytes` hold: one for PEM and DER, one for each object of a manifest and each identity of a dump.
    /// - Parameters:
    ///   - file: the name, which also tells what a lone part is for.
    /// - Throws: why nothing can be read; what is only partly readable is told in `problems`.
    package static func read(_ bytes: [UInt8], file: String) throws(ReadingError) -> [CertificateSet] {
        guard bytes.count <= sizeLimit else { throw ReadingError("it is larger than \(sizeLimit >> 20) MiB") }
        switch form(bytes, file) {
        case .empty: throw ReadingError("it is empty")
        case .document: return try KubernetesObjects.read(bytes, file: file)
        case .der:
            var part = CertificatePart(name: file)
            do throws(ReadingError) {
                try take(der: bytes, into: &part)
            } catch {
                throw ReadingError("it looks like DER, but \(error); a PKCS#12 or PKCS#7 file must be converted to PEM")
            }
            return [CertificateSet(name: file, parts: [part])]
        case .pem:
            let part = Self.part(bytes, name: file)
            if part.isEmpty, let problem = part.problems.first { throw ReadingError(problem) }
            return [CertificateSet(name: file, parts: [part])]
        case .unknown: throw ReadingError("it holds no PEM block, no DER and no Kubernetes object")
        }
    }

    private enum Form { case empty, pem, der, document, unknown }

    private static func form(_ bytes: [UInt8], _ file: String) -> Form {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        guard let first = bytes.first(where: { !isSpace($0) }) else { return .empty }
        if isDER(bytes) { return .der }
        // A block inside a manifest is indented, so it is not found here.
        if hasLine(bytes, "-----BEGIN ") { return .pem }
        if [".yaml", ".yml", ".json"].contains(where: file.lowercased().hasSuffix) { return .document }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return .document }
        return hasLine(bytes, "kind:") || hasLine(bytes, "apiVersion:") ? .document : .unknown
    }

    /// A sequence of 128 bytes or more: any certificate, and no text.
    private static func isDER(_ bytes: [UInt8]) -> Bool { bytes.count > 1 && bytes[0] == 0x30 && bytes[1] > 0x80 }

    /// Whether a line begins with `text`.
    private static func hasLine(_ bytes: [UInt8], _ text: String) -> Bool {
        if bytes.starts(with: text.utf8) { return true }
        var start = 0
        while let end = bytes[start...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
            start = end + 1
            if bytes[start...].starts(with: text.utf8) { return true }
        }
        return false
    }

    /// Whether a value of a manifest is worth reading.
    static func looksUseful(_ bytes: [UInt8]) -> Bool {
        hasLine(bytes, "-----BEGIN ") || isDER(bytes)
    }

    /// PEM text as one part; DER too, where a manifest holds it.
    static func part(_ bytes: [UInt8], name: String, purpose: CertificatePart.Purpose? = nil) -> CertificatePart {
        var part = CertificatePart(name: name, purpose: purpose)
        if isDER(bytes) {
            do throws(ReadingError) {
                try take(der: bytes, into: &part)
            } catch {
                part.problems.append("\(part.name): \(error)")
            }
            return part
        }
        let (blocks, isCut) = PEMBlock.all(in: bytes)
        if isCut { part.problems.append("\(part.name): more than \(countLimit) blocks; the rest was not read") }
        for block in blocks { take(block, into: &part) }
        return part
    }

    /// A certificate, or a revocation list.
    /// - Throws: why it is no certificate, when it is neither.
    private static func take(der bytes: [UInt8], into part: inout CertificatePart) throws(ReadingError) {
        do throws(ReadingError) {
            part.certificates = [try ParsedCertificate(der: bytes)]
        } catch {
            guard let list = try? ParsedRevocationList(der: bytes) else { throw error }
            part.revocationLists = [list]
        }
    }

    private static func take(_ block: PEMBlock, into part: inout CertificatePart) {
        func problem(_ reason: String) { part.problems.append("\(part.name), line \(block.line): \(reason)") }
        switch block.label {
        case "CERTIFICATE", "X509 CERTIFICATE":
            do throws(ReadingError) {
                part.certificates.append(try ParsedCertificate(der: try block.content.get()))
            } catch {
                problem("a certificate that cannot be read: \(error)")
            }
        case let label where label.hasSuffix("PRIVATE KEY"): part.keys.append(KeyBlock(block))
        case "X509 CRL":
            do throws(ReadingError) {
                part.revocationLists.append(try ParsedRevocationList(der: try block.content.get()))
            } catch {
                problem("a revocation list that cannot be read: \(error)")
            }
        case "EC PARAMETERS", "DH PARAMETERS": break
        case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
            problem("a signing request, not a certificate; have it signed first")
        case "PKCS7", "CMS": problem("a PKCS#7 block; convert it with openssl pkcs7 -print_certs")
        case "TRUSTED CERTIFICATE": problem("a TRUSTED CERTIFICATE of OpenSSL; convert it with openssl x509")
        default: problem("a block \"\(block.label)\", which is neither certificate nor key")
        }
    }
}

extension CertificateBytes {
    /// What a server sent in a handshake, each certificate in DER, the leaf first.
    package static func presented(_ chain: [[UInt8]], by server: String) -> CertificateSet {
        var part = CertificatePart(name: "handshake", purpose: .chain)
        for (index, der) in chain.enumerated() {
            do throws(ReadingError) {
                part.certificates.append(try ParsedCertificate(der: der))
            } catch {
                part.problems.append("certificate \(index + 1) of the handshake cannot be read: \(error)")
            }
        }
        return CertificateSet(name: server, parts: [part])
    }
}
