/// Which connections somebody wants to see.
package struct ConnectionFilter: Sendable {
    private let direction: ConnectionDump.Direction?
    private let text: String?

    /// - Parameter text: to be found in an address, workload, identity, service or authority.
    package init(direction: ConnectionDump.Direction? = nil, text: String? = nil) {
        self.direction = direction
        self.text = text
    }

    package func admits(_ connection: ConnectionDump) -> Bool {
        if let direction, direction != connection.direction { return false }
        guard let text else { return true }
        let fields = [
            connection.source, connection.sourceWorkload, connection.sourceIdentity, connection.originalDestination,
            connection.destination, connection.authority, connection.forwardedHost, connection.destinationWorkload,
            connection.destinationIdentity, connection.service,
        ]
        return fields.contains { $0?.contains(text) ?? false }
    }
}
