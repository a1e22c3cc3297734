import MeshCore

/// What is said of one revocation list. The encoded keys are a promise.
package struct RevocationListRecord: Encodable, Sendable, Hashable {
    /// Such as `ca-crl.pem #1`.
    package let place: String
    package let issuer: String
    /// Counts the lists of one issuer; `nil` without one, or beyond 64 bits.
    package let number: UInt64?
    /// RFC 3339.
    package let thisUpdate: String
    /// `nil` when the list does not say until when it holds.
    package let nextUpdate: String?
    /// Negative when a newer one is due; `nil` as `nextUpdate`.
    package let secondsLeft: Int64?
    /// How many certificates it revokes.
    package let revoked: Int

    init(_ placed: RevocationRegister.Placed, now: Int64) {
        let list = placed.list
        place = placed.place
        issuer = list.label
        number = list.number
        thisUpdate = Timestamp.text(seconds: list.thisUpdate)
        nextUpdate = list.nextUpdate.map { Timestamp.text(seconds: $0) }
        secondsLeft = list.nextUpdate.map { $0 - now }
        revoked = list.entries.count
    }

    /// `until 2026-12-24T00:00:00Z, 3 d left`, or what is wrong with its time.
    package var validity: String {
        guard let nextUpdate, let secondsLeft else { return "without an end" }
        if secondsLeft < 0 { return "ended \(nextUpdate), \(Span.text(-secondsLeft)) ago" }
        return "until \(nextUpdate), \(Span.text(secondsLeft)) left"
    }
}
