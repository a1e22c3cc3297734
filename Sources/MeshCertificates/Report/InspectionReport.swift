/// What was found in certificates, set by set. The encoded keys are a promise.
package struct InspectionReport: Encodable, Sendable {
    /// The time that everything was judged at.
    package let at: String
    package let sets: [SetReport]
    /// Those that were given to judge by; `nil` when none was.
    package let revocationLists: [RevocationListRecord]?
    package let findings: [CertificateFinding]
    package let errors: Int
    package let warnings: Int
    /// Whether everything that was judged leads to the bundle; `nil` when there is no bundle to judge by.
    package let trusted: Bool?
    /// Certificates that end within the time that was asked for, the first to end first; `nil` when none was.
    package let expiring: [Expiring]?

    package struct Expiring: Encodable, Sendable, Hashable {
        package let set: String
        package let certificate: String
        package let notAfter: String
        package let secondsLeft: Int64
        /// `23 h 10 min left`, or `expired 3 d ago`.
        package let timeLeft: String
    }
}

/// One set of an inspection.
package struct SetReport: Encodable, Sendable {
    package let name: String
    /// What the handshake said, for a live endpoint.
    package let endpoint: EndpointFacts?
    package let certificates: [CertificateRecord]
    /// Numbers of certificates, each chain from its first certificate towards a root.
    package let chains: [[Int]]
    package let keys: [Key]
    package let revocationLists: [RevocationListRecord]
    /// By which bundle the verdicts are: the one that was given, or the set's own; `nil` without any.
    package let bundle: String?
    package let verdicts: [TrustVerdict]

    package struct Key: Encodable, Sendable, Hashable {
        package let place: String
        package let kind: String
        /// The certificate that it belongs to.
        package let certificate: String?
    }
}

/// What a handshake with a server told besides its certificates.
package struct EndpointFacts: Encodable, Sendable, Hashable {
    /// How the server judged us.
    package enum ClientCertificate: String, Encodable, Sendable {
        case notAsked = "not-asked"
        /// It asked, we have none, and it went on or has said nothing yet.
        case asked
        case accepted
        case refused
        /// Sent, and neither data nor an alert came back in time.
        case unanswered
    }

    package var address: String
    package var serverName: String?
    package var protocolVersion: String?
    package var cipherSuite: String?
    /// Chosen by ALPN.
    package var applicationProtocol: String?
    package var clientCertificate: ClientCertificate
    /// Why the handshake ended after the certificates had come; `nil` when it did not.
    package var failure: String?

    package init(
        address: String, serverName: String?, protocolVersion: String?, cipherSuite: String?,
        applicationProtocol: String?, clientCertificate: ClientCertificate, failure: String?
    ) {
        self.address = address
        self.serverName = serverName
        self.protocolVersion = protocolVersion
        self.cipherSuite = cipherSuite
        self.applicationProtocol = applicationProtocol.map { PrintableText.of($0) }
        self.clientCertificate = clientCertificate
        self.failure = failure.map { PrintableText.message($0) }
    }
}
