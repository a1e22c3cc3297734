/// A text in which every `*` stands for any characters: namespaces and trust domains at layer 7.
///
/// Deviation: the reference compares a regular expression with the whole identity, so that a `*` reaches over slashes
/// and `*sa` hits everybody. Here only the part that the field names is compared.
package struct WildcardPattern: Hashable, Sendable {
    /// What stands before, between and behind the stars; a single part when there is none.
    let parts: [[UInt8]]

    package init(_ value: some StringProtocol) {
        parts = Array(value.utf8).split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map {
            Array($0)
        }
    }

    /// Cost: the first place of each part, so at most text times pattern; both are short names.
    package func matches(_ text: Span<UInt8>) -> Bool {
        let last = parts.count - 1
        guard text.has(parts[0], at: 0) else { return false }
        if last == 0 { return text.count == parts[0].count }
        var position = parts[0].count
        let end = text.count - parts[last].count
        guard position <= end, text.has(parts[last], at: end) else { return false }
        for index in 1..<last {
            while !text.has(parts[index], at: position) {
                position += 1
                if position > end { return false }
            }
            position += parts[index].count
        }
        return position <= end
    }
}
