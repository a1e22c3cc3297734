import MeshCore
import MeshPolicy

/// Whether one pattern of a policy matches everything that another does. Unsure is no.
enum PatternCover {
    /// Texts with a star at one end.
    static func texts(_ wide: String, _ narrow: String, isFolded: Bool = false) -> Bool {
        let (wide, narrow) = isFolded ? (wide.lowercased(), narrow.lowercased()) : (wide, narrow)
        if wide == narrow { return true }
        switch (TextPattern(wide), TextPattern(narrow)) {
        case (.presence, .exact(let text)), (.presence, .prefix(let text)), (.presence, .suffix(let text)):
            return !text.isEmpty
        case (.prefix(let start), .exact(let text)), (.prefix(let start), .prefix(let text)):
            return text.starts(with: start)
        case (.suffix(let end), .exact(let text)), (.suffix(let end), .suffix(let text)):
            return text.suffix(end.count).elementsEqual(end)
        default: return false
        }
    }

    /// Whether no text matches both.
    static func areDisjoint(_ a: String, _ b: String, isFolded: Bool = false) -> Bool {
        let (a, b) = isFolded ? (a.lowercased(), b.lowercased()) : (a, b)
        switch (TextPattern(a), TextPattern(b)) {
        case (.exact(let one), .exact(let other)): return one != other
        case (.exact, .prefix), (.exact, .suffix): return !texts(b, a)
        case (.prefix, .exact), (.suffix, .exact): return !texts(a, b)
        case (.prefix(let one), .prefix(let other)): return !one.starts(with: other) && !other.starts(with: one)
        case (.suffix(let one), .suffix(let other)):
            return !one.suffix(other.count).elementsEqual(other) && !other.suffix(one.count).elementsEqual(one)
        case (.exact(let text), .presence), (.presence, .exact(let text)): return text.isEmpty
        default: return false
        }
    }

    static func paths(_ wide: String, _ narrow: String) -> Bool {
        if wide == narrow { return true }
        switch (PathTemplate.isTemplate(wide), PathTemplate.isTemplate(narrow)) {
        case (false, false): return texts(wide, narrow)
        // Every path that a template matches begins with what stands before its first operator.
        case (false, true):
            guard case .prefix(let start) = TextPattern(wide) else { return wide == "*" }
            return Array(narrow.utf8.prefix { $0 != UInt8(ascii: "{") }).starts(with: start)
        case (true, false):
            guard case .exact(let path) = TextPattern(narrow) else { return false }
            return (try? PathTemplate(wide))?.matches(path.span, wide: false) ?? false
        case (true, true): return false
        }
    }

    static func blocks(_ wide: CIDR, _ narrow: CIDR) -> Bool {
        wide.prefixLength <= narrow.prefixLength && wide.contains(narrow.address)
            && wide.address.isV4 == narrow.address.isV4
    }

    static func areDisjoint(_ a: CIDR, _ b: CIDR) -> Bool { !a.contains(b.address) && !b.contains(a.address) }

    /// `*` alone wants both claims.
    static func requestPrincipals(_ wide: String, _ narrow: String) -> Bool {
        if wide == narrow { return true }
        guard wide == "*", !narrow.hasPrefix("*"), !narrow.hasSuffix("/"), let slash = narrow.lastIndex(of: "/") else {
            return false
        }
        return slash != narrow.startIndex
    }
}

/// How the values of one field compare.
struct FieldCover<Value: Hashable & Sendable> {
    let covers: (_ wide: Value, _ narrow: Value) -> Bool
    let areDisjoint: (Value, Value) -> Bool

    /// Whether what satisfies `narrow` satisfies `wide` as well.
    func covers(_ wide: Criterion<Value>, _ narrow: Criterion<Value>) -> Bool {
        let isIncluded =
            wide.values.isEmpty
            || (!narrow.values.isEmpty
                && narrow.values.allSatisfy { value in wide.values.contains { covers($0, value) } })
        let isExcluded = wide.notValues.allSatisfy { forbidden in
            narrow.notValues.contains { covers($0, forbidden) }
                || (!narrow.values.isEmpty && narrow.values.allSatisfy { areDisjoint($0, forbidden) })
        }
        return isIncluded && isExcluded
    }

    /// Whether nothing satisfies both: a positive list of each, and no value in common; or one excludes the other's.
    func areDisjoint(_ a: Criterion<Value>, _ b: Criterion<Value>) -> Bool {
        if !a.values.isEmpty, !b.values.isEmpty,
            a.values.allSatisfy({ one in b.values.allSatisfy { areDisjoint(one, $0) } })
        {
            return true
        }
        func excludes(_ one: Criterion<Value>, _ other: Criterion<Value>) -> Bool {
            !one.values.isEmpty && one.values.allSatisfy { value in other.notValues.contains { covers($0, value) } }
        }
        return excludes(a, b) || excludes(b, a)
    }
}

extension FieldCover<String> {
    static var texts: FieldCover {
        FieldCover(covers: { PatternCover.texts($0, $1) }, areDisjoint: { PatternCover.areDisjoint($0, $1) })
    }
    static var hosts: FieldCover {
        FieldCover(
            covers: { PatternCover.texts($0, $1, isFolded: true) },
            areDisjoint: { PatternCover.areDisjoint($0, $1, isFolded: true) })
    }
    /// Namespaces and trust domains: a star inside is a wildcard at one layer, and a character at the other.
    static var names: FieldCover {
        func isPlain(_ text: String) -> Bool {
            !text.dropFirst().dropLast().contains("*") && !(text.hasPrefix("*") && text.hasSuffix("*") && text != "*")
        }
        return FieldCover(
            covers: { $0 == $1 || (isPlain($0) && isPlain($1) && PatternCover.texts($0, $1)) },
            areDisjoint: { isPlain($0) && isPlain($1) && PatternCover.areDisjoint($0, $1) })
    }
    static var paths: FieldCover {
        FieldCover(
            covers: { PatternCover.paths($0, $1) },
            areDisjoint: {
                !PathTemplate.isTemplate($0) && !PathTemplate.isTemplate($1) && PatternCover.areDisjoint($0, $1)
            })
    }
    static var requestPrincipals: FieldCover {
        FieldCover(covers: { PatternCover.requestPrincipals($0, $1) }, areDisjoint: { _, _ in false })
    }
}

extension FieldCover<CIDR> {
    static var blocks: FieldCover {
        FieldCover(covers: { PatternCover.blocks($0, $1) }, areDisjoint: { PatternCover.areDisjoint($0, $1) })
    }
}

extension FieldCover {
    static var equality: FieldCover { FieldCover(covers: { $0 == $1 }, areDisjoint: { $0 != $1 }) }
}
