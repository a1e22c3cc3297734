import Logging
import MeshCA
import MeshCore
import MeshDNS
import MeshProxy
import MeshState
import MeshTLS
import MeshWire

/// What the states of the data path are made of: the records, which follow the local configuration, and the
/// certificate, which is renewed. Each changes on its own.
struct ProxyRecords: Sendable {
    private var snapshot: MeshSnapshot
    /// Where policies of the snapshot were written, for those who ask.
    private(set) var origins: PolicyOrigins
    /// Its last record, when the configuration has none any more.
    private var own: Workload
    private var isOwnKnown = true
    /// Policies that did not change stay the same compiled objects, so that open connections are not judged again.
    private var book = PolicyBook()
    var credential: ProxyState.Credential
    private(set) var current: ProxyState

    init(_ snapshot: MeshSnapshot, _ origins: PolicyOrigins, own: Workload, credential: ProxyState.Credential) {
        self.snapshot = snapshot
        self.origins = origins
        self.own = own
        self.credential = credential
        current = Self.state(snapshot, own, true, &book, credential)
    }

    /// Makes `current` anew after changes.
    mutating func settle() { current = Self.state(snapshot, own, isOwnKnown, &book, credential) }

    /// Takes other records.
    /// - Returns: why our own workload cannot be served by them; `nil` when it can.
    mutating func take(_ next: MeshSnapshot, _ origins: PolicyOrigins) -> String? {
        (snapshot, self.origins) = (next, origins)
        isOwnKnown = false
        let name = "\(own.namespace)/\(own.name)/\(own.fields.serviceAccount)"
        guard
            let found = next.findLocalWorkload(
                name: own.name, namespace: own.namespace, serviceAccount: own.fields.serviceAccount)
        else { return "no workload \(name) is left in the configuration; bring it back" }
        guard found.identity == own.identity else {
            let identity = own.identity.map { "\($0)" } ?? "none"
            return "workload \(name) has another identity, and our certificate is for \(identity); restart the proxy"
        }
        own = found
        isOwnKnown = true
        return nil
    }

    private static func state(
        _ snapshot: MeshSnapshot, _ own: Workload, _ isOwnKnown: Bool, _ book: inout PolicyBook,
        _ credential: ProxyState.Credential
    ) -> ProxyState {
        ProxyState(
            snapshot: snapshot, own: own, isOwnKnown: isOwnKnown, policy: book.engine(for: own, in: snapshot),
            credential: credential, baggage: Baggage(own).headerValue)
    }
}

extension ProxyState.Credential {
    /// What came from the authority, ready for TLS.
    init(_ state: CertificateRenewal.State, _ options: TLSOptions, _ logger: Logger) {
        switch state {
        case .unavailable(let error): self = .unavailable("\(error)")
        case .available(let issued):
            do throws(TLSError) {
                self = .available(
                    try TLSCredential(
                        CredentialPEM(
                            certificateChain: issued.certificateChainPEM, privateKey: issued.privateKeyPEM,
                            trustBundle: issued.trustBundlePEM), options: options))
            } catch {
                logger.error("certificate from the authority is unusable", metadata: ["reason": "\(error)"])
                self = .unavailable("\(error)")
            }
        }
    }
}

extension DNSStateSlot.State {
    /// Names are resolved for our workload, as long as it has a record.
    init(_ state: ProxyState) { self.init(snapshot: state.snapshot, client: state.isOwnKnown ? state.own : nil) }
}
