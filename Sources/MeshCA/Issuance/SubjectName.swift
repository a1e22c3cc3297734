package import MeshCore
import SwiftASN1
import X509

/// One entry of a subject alternative name extension.
package enum SubjectName: Hashable, Sendable {
    case spiffe(SPIFFEID)
    case dns(String)
    case ip(IPAddress)

    /// The text that would also serve as a common name.
    package var text: String {
        switch self {
        case .spiffe(let id): "\(id)"
        case .dns(let name): name
        case .ip(let address): "\(address)"
        }
    }

    /// URI [6], dNSName [2] or iPAddress [7] of 4 or 16 bytes. Source: RFC 5280, section 4.2.1.6.
    var generalName: GeneralName {
        switch self {
        case .spiffe(let id): .uniformResourceIdentifier("\(id)")
        case .dns(let name): .dnsName(name)
        case .ip(let address): .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
        }
    }
}
