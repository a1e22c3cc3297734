import SwiftASN1

/// The names that people know object identifiers by. A constant table; what is not in it is shown by its numbers.
enum ObjectNames {
    /// Of an algorithm with which certificates are signed, and why it proves nothing any more.
    static func signature(_ oid: ASN1ObjectIdentifier) -> (name: String, weakness: String?) {
        switch oid {
        case [1, 2, 840, 113549, 1, 1, 2]: ("RSA with MD2", "MD2 is broken")
        case [1, 2, 840, 113549, 1, 1, 4]: ("RSA with MD5", "MD5 is broken")
        case [1, 2, 840, 113549, 1, 1, 5]: ("RSA with SHA-1", "SHA-1 is broken")
        case [1, 2, 840, 113549, 1, 1, 10]: ("RSASSA-PSS", nil)
        case [1, 2, 840, 113549, 1, 1, 11]: ("RSA with SHA-256", nil)
        case [1, 2, 840, 113549, 1, 1, 12]: ("RSA with SHA-384", nil)
        case [1, 2, 840, 113549, 1, 1, 13]: ("RSA with SHA-512", nil)
        case [1, 2, 840, 10040, 4, 3]: ("DSA with SHA-1", "SHA-1 is broken")
        case [2, 16, 840, 1, 101, 3, 4, 3, 2]: ("DSA with SHA-256", nil)
        case [1, 2, 840, 10045, 4, 1]: ("ECDSA with SHA-1", "SHA-1 is broken")
        case [1, 2, 840, 10045, 4, 3, 1]: ("ECDSA with SHA-224", nil)
        case [1, 2, 840, 10045, 4, 3, 2]: ("ECDSA with SHA-256", nil)
        case [1, 2, 840, 10045, 4, 3, 3]: ("ECDSA with SHA-384", nil)
        case [1, 2, 840, 10045, 4, 3, 4]: ("ECDSA with SHA-512", nil)
        case [1, 3, 101, 112]: ("Ed25519", nil)
        case [1, 3, 101, 113]: ("Ed448", nil)
        case [2, 16, 840, 1, 101, 3, 4, 3, 17]: ("ML-DSA-44", nil)
        case [2, 16, 840, 1, 101, 3, 4, 3, 18]: ("ML-DSA-65", nil)
        case [2, 16, 840, 1, 101, 3, 4, 3, 19]: ("ML-DSA-87", nil)
        default: ("\(oid)", nil)
        }
    }

    /// Of a named curve: its name and the bits of its order.
    static func curve(_ oid: ASN1ObjectIdentifier) -> (name: String, bits: Int?) {
        switch oid {
        case [1, 2, 840, 10045, 3, 1, 1]: ("P-192", 192)
        case [1, 3, 132, 0, 33]: ("P-224", 224)
        case [1, 2, 840, 10045, 3, 1, 7]: ("P-256", 256)
        case [1, 3, 132, 0, 34]: ("P-384", 384)
        case [1, 3, 132, 0, 35]: ("P-521", 521)
        case [1, 3, 132, 0, 10]: ("secp256k1", 256)
        case [1, 3, 36, 3, 3, 2, 8, 1, 1, 7]: ("brainpoolP256r1", 256)
        case [1, 3, 36, 3, 3, 2, 8, 1, 1, 11]: ("brainpoolP384r1", 384)
        case [1, 3, 36, 3, 3, 2, 8, 1, 1, 13]: ("brainpoolP512r1", 512)
        default: ("curve \(oid)", nil)
        }
    }

    static func extendedKeyUsage(_ oid: ASN1ObjectIdentifier) -> String {
        switch oid {
        case [2, 5, 29, 37, 0]: "any"
        case [1, 3, 6, 1, 5, 5, 7, 3, 1]: "serverAuth"
        case [1, 3, 6, 1, 5, 5, 7, 3, 2]: "clientAuth"
        case [1, 3, 6, 1, 5, 5, 7, 3, 3]: "codeSigning"
        case [1, 3, 6, 1, 5, 5, 7, 3, 4]: "emailProtection"
        case [1, 3, 6, 1, 5, 5, 7, 3, 8]: "timeStamping"
        case [1, 3, 6, 1, 5, 5, 7, 3, 9]: "OCSPSigning"
        default: "\(oid)"
        }
    }

    /// Of an extension that is named but not shown by field.
    static func otherExtension(_ oid: ASN1ObjectIdentifier) -> String {
        switch oid {
        case [2, 5, 29, 18]: "issuerAltName"
        case [2, 5, 29, 27]: "deltaCRLIndicator"
        case [2, 5, 29, 28]: "issuingDistributionPoint"
        case [2, 5, 29, 29]: "certificateIssuer"
        case [2, 5, 29, 32]: "certificatePolicies"
        case [2, 5, 29, 33]: "policyMappings"
        case [2, 5, 29, 36]: "policyConstraints"
        case [2, 5, 29, 46]: "freshestCRL"
        case [2, 5, 29, 54]: "inhibitAnyPolicy"
        case [1, 3, 6, 1, 5, 5, 7, 1, 24]: "tlsFeature"
        case [1, 3, 6, 1, 4, 1, 11129, 2, 4, 3]: "ctPoison"
        case [2, 16, 840, 1, 113730, 1, 1]: "netscapeCertType"
        case [2, 16, 840, 1, 113730, 1, 13]: "netscapeComment"
        default: "\(oid)"
        }
    }

    /// Of an attribute in a distinguished name. Source: RFC 4514 section 3, RFC 4519.
    static func attribute(_ oid: ASN1ObjectIdentifier) -> String {
        switch oid {
        case [2, 5, 4, 3]: "CN"
        case [2, 5, 4, 4]: "SN"
        case [2, 5, 4, 5]: "serialNumber"
        case [2, 5, 4, 6]: "C"
        case [2, 5, 4, 7]: "L"
        case [2, 5, 4, 8]: "ST"
        case [2, 5, 4, 9]: "STREET"
        case [2, 5, 4, 10]: "O"
        case [2, 5, 4, 11]: "OU"
        case [2, 5, 4, 12]: "title"
        case [2, 5, 4, 42]: "GN"
        case [2, 5, 4, 97]: "organizationIdentifier"
        case [0, 9, 2342, 19_200_300, 100, 1, 1]: "UID"
        case [0, 9, 2342, 19_200_300, 100, 1, 25]: "DC"
        case [1, 2, 840, 113549, 1, 9, 1]: "emailAddress"
        default: "\(oid)"
        }
    }
}
