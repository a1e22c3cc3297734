import MeshCore

/// One thing that an authority did or refused to do.
package struct AuditRecord: Sendable, Hashable {
    package enum Event: String, Sendable {
        case issued, refused
        /// The server.
        case started, stopped, reloaded
        case created, rotation, revoked
        case revocationList = "revocation-list"
        /// The log itself was cut after a crash.
        case repaired
    }

    package var event: Event
    /// Microseconds since 1970.
    package var time: Int64
    package var caller: String = ""
    /// Address of the caller.
    package var peer: String = ""
    /// What it got, or what it asked for.
    package var identity: String = ""
    package var serial: String = ""
    /// Seconds since 1970; 0 means none.
    package var notAfter: Int64 = 0
    /// The gRPC status of the answer; empty where nobody asked over gRPC.
    package var status: String = ""
    package var reason: String = ""

    package init(_ event: Event, time: Int64) {
        self.event = event
        self.time = time
    }

    /// One caller's words can be long; more than this many bytes of a value are cut off.
    static let valueLimit = 4096

    /// The facts as members of a JSON object, without braces; empty ones are left out.
    var members: String {
        var text = "\"time\":\"\(Timestamp.text(microseconds: time))\",\"event\":\"\(event.rawValue)\""
        func add(_ key: String, _ value: String) {
            guard !value.isEmpty else { return }
            text += ",\"\(key)\":\""
            AuditText.append(value, limit: Self.valueLimit, to: &text)
            text += "\""
        }
        add("caller", caller)
        add("peer", peer)
        add("identity", identity)
        add("serial", serial)
        if notAfter != 0 { add("notAfter", UnixTime.text(notAfter)) }
        add("status", status)
        add("reason", reason)
        return text
    }
}
