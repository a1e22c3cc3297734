/// What a certificate authority handed out, as PEM text. The key is secret: printing this value prints sizes only.
package struct CredentialPEM: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// Leaf first, then the intermediates that lead to a root of the peer.
    package var certificateChain: [UInt8]
    /// PKCS#8, SEC1 or PKCS#1, not encrypted.
    package var privateKey: [UInt8]
    /// The roots that peers are verified against, one or more.
    package var trustBundle: [UInt8]

    package init(certificateChain: [UInt8], privateKey: [UInt8], trustBundle: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.trustBundle = trustBundle
    }

    package init(certificateChain: String, privateKey: String, trustBundle: String) {
        self.init(
            certificateChain: Array(certificateChain.utf8), privateKey: Array(privateKey.utf8),
            trustBundle: Array(trustBundle.utf8))
    }

    package var description: String {
        "chain of \(certificateChain.count) bytes, key redacted, trust bundle of \(trustBundle.count) bytes"
    }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
