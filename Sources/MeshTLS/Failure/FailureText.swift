/// Values a peer chose, for a one-line message: at most four, each at most 120 characters.
func listText(_ values: [String]) -> String {
    guard !values.isEmpty else { return "none" }
    let shown = values.prefix(4).map { $0.count > 120 ? $0.prefix(120) + "…" : $0[...] }.joined(separator: ", ")
    return values.count > 4 ? "\(shown) and \(values.count - 4) more" : shown
}
