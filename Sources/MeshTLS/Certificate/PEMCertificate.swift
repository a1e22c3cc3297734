/// A certificate of a PEM text, with what reports say of it.
package struct PEMCertificate: Sendable, Equatable {
    /// One block, ended by a newline.
    package let pem: String
    package let facts: CertificateFacts

    /// The certificates in order; blocks that are none are passed over.
    package static func all(in text: [UInt8]) -> [PEMCertificate] {
        var found: [PEMCertificate] = []
        var block: [Substring]?
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("-----BEGIN ") { block = [] }
            block?.append(line)
            guard line.hasPrefix("-----END "), let lines = block else { continue }
            block = nil
            let pem = lines.joined(separator: "\n") + "\n"
            guard let certificate = PEM.certificates(Array(pem.utf8)).valid.first else { continue }
            found.append(PEMCertificate(pem: pem, facts: certificate.facts))
        }
        return found
    }
}
