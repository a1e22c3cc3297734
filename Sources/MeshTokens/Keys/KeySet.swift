import MeshCore

/// The keys of an issuer. Source: RFC 7517 section 5.
package struct KeySet: Sendable {
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case tooLong, notAKeySet, noUsableKey

        package var description: String {
            switch self {
            case .tooLong: "the key set is longer than \(KeySet.sizeLimit) bytes or \(KeySet.countLimit) keys"
            case .notAKeySet: "this is no JSON object with a list \"keys\""
            case .noUsableKey: "no key of the set is RSA (2048 bits and more), EC, Ed25519 or oct"
            }
        }
    }

    package static let sizeLimit = 1 << 20
    package static let countLimit = 1000

    private let keys: [VerificationKey]
    /// Keys that are of no use here: another type, malformed, or too weak.
    package let skipped: Int

    package init(parsing bytes: [UInt8]) throws(Problem) {
        guard bytes.count <= Self.sizeLimit else { throw .tooLong }
        guard case .object(let set)? = try? JSONText.parse(bytes), case .list(let entries)? = set["keys"] else {
            throw .notAKeySet
        }
        guard entries.count <= Self.countLimit else { throw .tooLong }
        keys = entries.compactMap { entry in
            guard case .object(let members) = entry else { return nil }
            return VerificationKey(members)
        }
        skipped = entries.count - keys.count
        guard !keys.isEmpty else { throw .noUsableKey }
    }

    /// Finds the key that signed a token, of those that its header allows.
    func verify(_ token: JSONWebToken) throws(TokenFailure) {
        var wasTried = false
        for key in keys where key.fits(token) {
            wasTried = true
            if key.verifies(token) { return }
        }
        throw wasTried ? .signature : .noKey
    }
}
