/// A list that is nearly always of one element, which then costs no allocation of its own. Never empty.
enum FewOrMany<Element> {
    case one(Element)
    case many([Element])

    var first: Element {
        switch self {
        case .one(let element): element
        case .many(let list): list[0]
        }
    }

    var all: [Element] {
        switch self {
        case .one(let element): [element]
        case .many(let list): list
        }
    }

    /// `nil` for an empty list.
    init?(_ list: [Element]) {
        guard let first = list.first else { return nil }
        self = list.count == 1 ? .one(first) : .many(list)
    }
}

extension FewOrMany: Sendable where Element: Sendable {}
