import MeshTLS

extension Target {
    /// Messages after the handshake, cut into records: the first byte is the size of the pieces.
    static let postHandshake = Target(
        name: "PostHandshake", seeds: [],
        byteSeeds: [
            [1, 24, 0, 0, 1, 0], [5, 24, 0, 0, 1, 1],
            [7, 4, 0, 0, 14, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 1, 9, 0, 0],
            [3, 4, 0, 0, 14, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 1, 9, 0, 0, 24, 0, 0, 1, 0],
            [4, 4, 0, 1, 0] + [UInt8](repeating: 7, count: 256) + [24, 0, 0, 1, 1], [2, 13, 0, 0, 0],
        ],
        check: { bytes in
            guard let size = bytes.first, bytes.count > 1 else { return nil }
            let messages = Array(bytes.dropFirst())
            let (pieces, single) = (read(messages, max(1, Int(size))), read(messages, 1))
            // A KeyUpdate must end its record, so pieces may be refused where single bytes are not; nothing else differs.
            if pieces == single || pieces.last == "messageBehindKeyUpdate" { return nil }
            return "read as \(pieces), byte by byte as \(single)"
        })

    private static func read(_ messages: [UInt8], _ size: Int) -> [String] {
        var reader = PostHandshakeReader(isClient: true)
        var events: [String] = []
        var left = messages[...]
        while !left.isEmpty {
            let piece = Array(left.prefix(size))
            left = left.dropFirst(size)
            do throws(RecordFault) {
                guard let event = try reader.read(piece.span) else { continue }
                // Two tickets that end in one record are told once.
                if event != .ticket { events.append("\(event)") }
            } catch {
                return events + ["\(error)"]
            }
        }
        return events + [reader.isInside ? "inside" : "between"]
    }
}
