import FoundationEssentials
package import MeshCore
import MeshTLS
import Synchronization

/// The certificate of one identity in the JSON of `/config_dump`; never its key.
package struct CertificateDump: Codable, Sendable, Equatable {
    package var identity: String
    /// `Initializing`, `Available` or `Unavailable: <reason>`.
    package var state: String
    package var certChain: [Entry]
    package var rootCerts: [Entry]

    package struct Entry: Codable, Sendable, Equatable {
        /// Base64 of the PEM text.
        package var pem: String
        /// Decimal.
        package var serialNumber: String
        /// RFC 3339, seconds, UTC.
        package var validFrom: String
        package var expirationTime: String

        init(_ certificate: PEMCertificate) {
            pem = Data(certificate.pem.utf8).base64EncodedString()
            serialNumber = certificate.facts.serialNumber
            validFrom = Timestamp.text(seconds: certificate.facts.notBefore)
            expirationTime = Timestamp.text(seconds: certificate.facts.notAfter)
        }
    }
}

/// How the certificate of our workload stands, for whoever asks.
package final class CredentialStanding: Sendable {
    package enum State: Sendable {
        case initializing
        /// PEM texts.
        case available(chain: [UInt8], roots: [UInt8])
        case unavailable(String)
    }

    private let state = Mutex(State.initializing)

    package init() {}

    package func set(_ next: State) { state.withLock { $0 = next } }

    package func dump(identity: SPIFFEID) -> CertificateDump {
        switch state.withLock({ $0 }) {
        case .initializing:
            CertificateDump(identity: "\(identity)", state: "Initializing", certChain: [], rootCerts: [])
        case .unavailable(let why):
            CertificateDump(identity: "\(identity)", state: "Unavailable: \(why)", certChain: [], rootCerts: [])
        case .available(let chain, let roots):
            CertificateDump(
                identity: "\(identity)", state: "Available",
                certChain: PEMCertificate.all(in: chain).map { .init($0) },
                rootCerts: PEMCertificate.all(in: roots).map { .init($0) })
        }
    }
}
