import MeshKubernetesAPI

extension Target {
    /// Cuts whole, byte by byte and in pieces: all three must give the lines that a plain split gives.
    static let watchLines = Target(
        name: "WatchLines",
        seeds: [
            "{\"type\":\"ADDED\",\"object\":{}}\n{\"type\":\"BOOKMARK\"}\n", "\n\na\n", "no end",
            "0123456789012345678901234567890123456789\n",
        ],
        check: { bytes in
            let expected = plain(bytes)
            for size in [max(bytes.count, 1), 1, 3, 7] {
                let found = cut(bytes, size)
                if found != expected { return "in pieces of \(size) it is \(found), plainly \(expected)" }
            }
            return nil
        })

    private static let limit = 32

    private struct Lines: Equatable {
        var found: [[UInt8]] = []
        var isInside = false
        var isTooLong = false
    }

    private static func plain(_ bytes: [UInt8]) -> Lines {
        var lines = Lines()
        let parts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for part in parts {
            if part.count > limit {
                lines.isTooLong = true
                return lines
            }
            if part.endIndex == bytes.endIndex {
                lines.isInside = !part.isEmpty
            } else if !part.isEmpty {
                lines.found.append(Array(part))
            }
        }
        return lines
    }

    private static func cut(_ bytes: [UInt8], _ size: Int) -> Lines {
        var (lines, watch) = (Lines(), WatchLines(limit: limit))
        do {
            for start in stride(from: 0, to: bytes.count, by: size) {
                try watch.feed(bytes[start..<min(start + size, bytes.count)]) { lines.found.append($0) }
            }
            lines.isInside = watch.isInside
        } catch {
            lines.isTooLong = true
        }
        return lines
    }
}
