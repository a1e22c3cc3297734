import MeshTLS

/// A private key that was met. Its bytes are never shown, and nothing here gives them out.
package struct KeyBlock: Sendable, CustomStringConvertible, CustomReflectable {
    /// Such as `EC 256`; `encrypted key` or `key` when it cannot be read.
    package let kind: String
    package let isEncrypted: Bool
    private let check: PrivateKeyCheck?

    init(_ block: PEMBlock) {
        let header = String(decoding: block.text.prefix(200), as: UTF8.self)
        isEncrypted =
            block.label == "ENCRYPTED PRIVATE KEY" || header.contains("ENCRYPTED\n") || header.contains(",ENCRYPTED")
        check = isEncrypted ? nil : PrivateKeyCheck(pem: block.text)
        kind = check?.kind ?? (isEncrypted ? "encrypted key" : "key that cannot be read")
    }

    package var isReadable: Bool { check != nil }

    /// Certificates that are compared by libcrypto, which is slow.
    private static let compareLimit = 64

    /// The certificate whose key this is.
    func owner(among certificates: [ParsedCertificate]) -> ParsedCertificate? {
        guard let check else { return nil }
        if let same = certificates.first(where: { $0.keyInfo == check.publicKey }) { return same }
        // The same key can be written in more than one way.
        return certificates.prefix(Self.compareLimit).first { check.fits($0.der) }
    }

    package var description: String { kind }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
