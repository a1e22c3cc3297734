/// A path with operators: `{*}` is one segment that is not empty, `{**}` is anything, slashes included.
///
/// Shape: operators are whole segments; there is at most one `{**}`, and no operator behind it. Source: Istio's
/// AuthorizationPolicy, field `paths`; Envoy's URI template. Cost of a match: one pass over the path, no allocation.
package struct PathTemplate: Hashable, Sendable {
    /// Why a path is not usable.
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case braces(segment: String)
        case operatorAfterDoubleStar
        case emptySegment
        case character(segment: String)

        package var description: String {
            switch self {
            case .braces(let segment): "'{' and '}' may only form a whole segment {*} or {**}, not \"\(segment)\""
            case .operatorAfterDoubleStar: "no operator may follow {**}"
            case .emptySegment: "a path with {*} or {**} may not have an empty segment"
            case .character(let segment):
                "segment \"\(segment)\" of a path with {*} or {**} has a character other than A-Z a-z 0-9 -._~%!$&'()+,;:@="
            }
        }
    }

    enum Token: Hashable, Sendable {
        case literal([UInt8])
        case segment
    }

    /// In front of `{**}`, or all of it.
    let head: [Token]
    /// The literal behind `{**}`; `nil` when there is no such operator.
    let tail: [UInt8]?

    package static func isTemplate(_ path: some StringProtocol) -> Bool {
        path.contains("{*}") || path.contains("{**}")
    }

    /// What is wrong with a value of `paths`, template or not.
    package static func problem(in path: some StringProtocol) -> Problem? {
        guard isTemplate(path) else {
            return path.utf8.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
                ? .braces(segment: String(path)) : nil
        }
        do {
            _ = try PathTemplate(path)
            return nil
        } catch {
            return error
        }
    }

    package init(_ path: some StringProtocol) throws(Problem) {
        var tokens: [Token] = []
        var literal: [UInt8] = []
        var sawDoubleStar = false
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        // Slashes at both ends do not count as segments.
        let inner = (segments.firstIndex { !$0.isEmpty } ?? 0)...(segments.lastIndex { !$0.isEmpty } ?? 0)
        for (index, segment) in segments.enumerated() {
            if index > 0 { literal.append(UInt8(ascii: "/")) }
            switch segment {
            case "{*}", "{**}":
                if sawDoubleStar { throw .operatorAfterDoubleStar }
                if !literal.isEmpty { tokens.append(.literal(literal)) }
                literal = []
                if segment == "{*}" { tokens.append(.segment) } else { sawDoubleStar = true }
            case "":
                if inner.contains(index) { throw .emptySegment }
            default:
                if segment.contains("{") || segment.contains("}") { throw .braces(segment: String(segment)) }
                if !segment.utf8.allSatisfy(Self.isPathCharacter) { throw .character(segment: String(segment)) }
                literal += segment.utf8
            }
        }
        if sawDoubleStar {
            tail = literal
        } else {
            if !literal.isEmpty { tokens.append(.literal(literal)) }
            tail = nil
        }
        head = tokens
    }

    /// The literal with which every path that matches begins.
    var start: [UInt8] {
        if case .literal(let text)? = head.first { return text }
        return []
    }

    /// - Parameter wide: whether operators take every byte but the slash. The reference takes only characters of a URI
    ///   path, so that a path with another one would slip through a rule that denies.
    package func matches(_ path: Span<UInt8>, wide: Bool) -> Bool {
        var position = 0
        for token in head {
            switch token {
            case .literal(let text):
                guard path.has(text.span, at: position) else { return false }
                position += text.count
            case .segment:
                let start = position
                while position < path.count, path[position] != UInt8(ascii: "/") {
                    guard wide || Self.isPathCharacter(path[position]) else { return false }
                    position += 1
                }
                guard position > start else { return false }
            }
        }
        guard let tail else { return position == path.count }
        let end = path.count - tail.count
        guard position <= end, path.has(tail.span, at: end) else { return false }
        if wide { return true }
        while position < end {
            guard Self.isPathCharacter(path[position]) || path[position] == UInt8(ascii: "/") else { return false }
            position += 1
        }
        return true
    }

    static func isPathCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        // - . _ ~ % ! $ & ' ( ) + , ; : @ =
        case 0x2D, 0x2E, 0x5F, 0x7E, 0x25, 0x21, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2B, 0x2C, 0x3B, 0x3A, 0x40, 0x3D: true
        default: false
        }
    }
}

/// A value of `paths`.
package enum PathPattern: Hashable, Sendable {
    case text(TextPattern)
    case template(PathTemplate, wide: Bool)

    package init(_ value: some StringProtocol, wide: Bool) throws(PathTemplate.Problem) {
        self = PathTemplate.isTemplate(value) ? .template(try PathTemplate(value), wide: wide) : .text(.init(value))
    }

    package func matches(_ path: Span<UInt8>) -> Bool {
        switch self {
        case .text(let pattern): pattern.matches(path)
        case .template(let template, let wide): template.matches(path, wide: wide)
        }
    }
}
