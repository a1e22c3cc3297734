/// A result that a command prints: a value for programs, a text for people.
///
/// The encoded keys are a promise (they are golden-tested); the text may change.
package protocol Report: Encodable, Sendable {
    /// Lines for a person, without a final newline.
    func text(_ style: TextStyle) -> String
}

/// How text for people is dressed. Colour only where a terminal shows it.
package struct TextStyle: Sendable {
    package let colour: Bool
    package init(colour: Bool) { self.colour = colour }

    package func bold(_ text: String) -> String { colour ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    package func good(_ text: String) -> String { colour ? "\u{1b}[32m\(text)\u{1b}[0m" : text }
    package func bad(_ text: String) -> String { colour ? "\u{1b}[31m\(text)\u{1b}[0m" : text }
    package func dim(_ text: String) -> String { colour ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
}
