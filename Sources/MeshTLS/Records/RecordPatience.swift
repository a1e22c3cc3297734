/// How much a peer may make us work without giving any data. Each limit is far above what honest peers do.
struct RecordPatience {
    /// Records in a row that carry nothing.
    static let emptyRecords = 32
    /// KeyUpdates at once, each of which costs us a few hashes and a key.
    static let keyUpdates = 32
    /// Records of data that earn one more KeyUpdate.
    static let recordsPerKeyUpdate = 16
    /// Bytes of tickets in a row.
    static let ticketBytes = 1 << 18

    private var empty = 0
    private var keyUpdatesLeft = keyUpdates
    private var records = 0
    private var tickets = 0

    @inline(__always)
    mutating func noteData() {
        empty = 0
        tickets = 0
        guard keyUpdatesLeft < Self.keyUpdates else { return }
        records += 1
        if records == Self.recordsPerKeyUpdate {
            records = 0
            keyUpdatesLeft += 1
        }
    }

    mutating func noteEmpty() throws(RecordFault) {
        empty += 1
        guard empty <= Self.emptyRecords else { throw .flood("empty records") }
    }

    mutating func noteKeyUpdate() throws(RecordFault) {
        keyUpdatesLeft -= 1
        guard keyUpdatesLeft >= 0 else { throw .flood("KeyUpdates") }
    }

    mutating func noteTicket(_ bytes: Int) throws(RecordFault) {
        tickets += bytes
        guard tickets <= Self.ticketBytes else { throw .flood("session tickets") }
    }
}
