/// The name of a network interface that is safe to write into rule text.
package struct InterfaceName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// - Throws: `RedirectError.interfaceName` when it is no name that the kernel takes, or has a meaning to nft:
    ///   1 to 15 bytes of ASCII, no space, quote, slash, colon, semicolon, backslash or star, no leading `-` or `!`.
    package init(parsing text: some StringProtocol) throws(RedirectError) {
        let name = String(text)
        func refuse(_ why: String) -> RedirectError { .interfaceName(name, why: why) }
        guard !name.isEmpty, name != ".", name != ".." else { throw refuse("it is no name") }
        guard name.utf8.count <= 15 else { throw refuse("it is longer than 15 bytes") }
        guard name.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw refuse("it holds a space, or what is not ASCII")
        }
        guard let first = name.first, first != "-", first != "!" else { throw refuse("it begins with - or !") }
        if let bad = name.first(where: { "/:;*\\\"'`{}#$,".contains($0) }) { throw refuse("it holds \(bad)") }
        description = name
    }

    /// A comma-separated list; blanks around names and empty entries are dropped.
    package static func list(_ text: some StringProtocol) throws(RedirectError) -> [InterfaceName] {
        var names: [InterfaceName] = []
        for entry in text.split(separator: ",") {
            let trimmed = entry.drop { $0.isWhitespace }
            let end = trimmed.lastIndex { !$0.isWhitespace }
            guard let end else { continue }
            names.append(try InterfaceName(parsing: trimmed[...end]))
        }
        return names
    }
}
