/// Why a connection goes where it goes, step by step, and whether it may. The JSON keys are a promise.
package struct ConnectionExplanation: Codable, Sendable, Equatable {
    package enum Verdict: String, Codable, Sendable {
        case allowed
        /// A policy refuses it.
        case denied
        /// It never gets as far as a policy.
        case unreachable
    }

    package struct Party: Codable, Sendable, Equatable {
        /// uid of the workload; absent for somebody outside of the mesh.
        package var workload: String?
        /// `namespace/name`.
        package var name: String?
        package var address: String?
        package var identity: String?
    }

    package struct Destination: Codable, Sendable, Equatable {
        /// `ip:port`.
        package var address: String
        /// The name that was asked for, as it was found.
        package var hostname: String?
    }

    package struct Record: Codable, Sendable, Equatable {
        package enum Kind: String, Codable, Sendable { case service, workload }
        package var kind: Kind
        /// `namespace/hostname`, or a uid.
        package var name: String
        package var matched: Bool
        package var reason: String
    }

    package struct Waypoint: Codable, Sendable, Equatable {
        /// As configuration writes it.
        package var destination: String
        /// Whose it is.
        package var of: String
        package var used: Bool
        package var reason: String
    }

    package struct NetworkGateway: Codable, Sendable, Equatable {
        /// As configuration writes it.
        package var destination: String
        /// uid of the workload that is reached through it.
        package var of: String
        package var reason: String
    }

    package struct Choice: Codable, Sendable, Equatable {
        package var service: String
        package var port: UInt16
        package var result: String
        package var candidates: [Candidate]
    }

    package struct Candidate: Codable, Sendable, Equatable {
        /// uid.
        package var workload: String
        package var chosen: Bool
        package var reason: String
    }

    package struct Route: Codable, Sendable, Equatable {
        package enum Decision: String, Codable, Sendable {
            case hbone, doubleHBONE, tcp, refuse
            /// Decided but for an address, which is looked up by name.
            case resolve
            /// No proxy takes the connection: it goes as it is.
            case direct
        }
        package var decision: Decision
        package var nextHop: String?
        /// What the far proxy is asked for.
        package var authority: String?
        /// Who may answer.
        package var expectedIdentities: [String]?
        /// Who may answer behind a network gateway.
        package var innerIdentities: [String]?
        /// uid of the workload at the next hop.
        package var workload: String?
        /// `namespace/hostname`.
        package var service: String?
        package var reason: String
    }

    /// What carries the request to the next hop.
    package struct Carriage: Codable, Sendable, Equatable {
        /// Of the proxy that was asked, to that next hop and those identities; one of them is used where it has room.
        package var tunnels: [Tunnel]
        /// Whose code protects the data of a new tunnel; absent where the proxy of the source was not asked.
        package var tlsRecords: String?
        /// After what a request goes to another tunnel, once; in the words of the access log's `retried_after`.
        package var retriedAfter: [String]
    }

    package struct Tunnel: Codable, Sendable, Equatable {
        package var id: UInt64
        /// As in the list of tunnels.
        package var phase: String
        package var streams: Int
        /// Takes no new streams.
        package var leaving: Bool
        /// Whose code protects its data; absent before the handshake is done.
        package var tlsRecords: String?
    }

    package struct Inbound: Codable, Sendable, Equatable {
        /// uid of the workload whose proxy receives the connection.
        package var workload: String
        /// Whether a proxy there enforces anything.
        package var enforced: Bool
        /// Whether TLS and the checks before any policy pass.
        package var admitted: Bool
        /// Where the connection is delivered, when it is admitted.
        package var delivery: String?
        package var policies: [Policy]
        /// Named by the workload, and not known: they are skipped.
        package var missingPolicies: [String]?
        package var allowed: Bool
        package var reason: String
    }

    package struct Policy: Codable, Sendable, Equatable {
        /// `namespace/name`.
        package var policy: String
        package var action: String
        package var scope: String
        package var dryRun: Bool
        package var matched: Bool
        package var reason: String
        /// Of a policy that was translated from manifests.
        package var origin: PolicyOrigin?
    }

    package var verdict: Verdict
    package var reason: String
    package var from: Party
    package var to: Destination
    package var records: [Record]
    package var waypoint: Waypoint?
    /// The way to another network.
    package var networkGateway: NetworkGateway?
    package var choices: [Choice]
    package var route: Route
    /// Present where the route is a tunnel.
    package var carriage: Carriage?
    /// The side that decides by policy; absent when nobody of the mesh receives the connection.
    package var inbound: Inbound?
    package var notes: [String]
}
