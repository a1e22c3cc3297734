/// The word that was probably meant.
enum Suggestion {
    /// `did you mean "paths"?`, or the list of what is known when nothing is near.
    static func remedy(for word: String, among known: [String]) -> String {
        if let nearest = nearest(to: word, among: known) { return "did you mean \"\(nearest)\"?" }
        return known.isEmpty ? "remove it" : "use one of " + known.joined(separator: ", ")
    }

    /// The known word at the smallest distance, at most a third of its length and at most 3.
    static func nearest(to word: String, among known: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let asked = word.lowercased()
        let scored = known.map { (distance(Array(asked.utf8), Array($0.lowercased().utf8)), $0) }
        guard let best = scored.min(by: { $0.0 < $1.0 }) else { return nil }
        return best.0 <= min(3, max(1, best.1.utf8.count / 3)) ? best.1 : nil
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var (before, previous) = ([Int](), Array(0...b.count))
        for row in 0..<a.count {
            var current = [row + 1]
            current.reserveCapacity(b.count + 1)
            for column in 0..<b.count {
                let cost = a[row] == b[column] ? 0 : 1
                var best = min(previous[column + 1] + 1, current[column] + 1, previous[column] + cost)
                if row > 0, column > 0, a[row] == b[column - 1], a[row - 1] == b[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, previous) = (previous, current)
        }
        return previous[b.count]
    }
}
