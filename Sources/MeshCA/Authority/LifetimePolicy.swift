/// How long certificates may live. All in seconds.
package struct LifetimePolicy: Hashable, Sendable {
    /// What a request gets that names no lifetime. 24 hours.
    package var standard: Int64 = 24 * 3600
    /// The most that a request may name. 90 days.
    package var longest: Int64 = 90 * 24 * 3600

    /// 100 years: what any lifetime may be at most, so that dates stay within what certificates can say.
    package static let ceiling: Int64 = 36525 * 24 * 3600

    package init() {}

    package init(standard: Int64, longest: Int64) {
        self.standard = standard
        self.longest = longest
    }

    package func problems() -> [String] {
        var problems: [String] = []
        if standard < 1 { problems.append("default lifetime is \(standard) s; it must be at least 1 s") }
        if longest < standard {
            problems.append("longest lifetime \(longest) s is shorter than the default lifetime \(standard) s")
        }
        if longest > Self.ceiling { problems.append("longest lifetime \(longest) s is more than 100 years") }
        return problems
    }

    /// - Throws: `.lifetime`. Only a named lifetime is compared with the limit.
    func lifetime(requested: Int64) throws(IssueError) -> Int64 {
        guard requested > 0 else { return standard }
        guard requested <= longest else { throw .lifetime(requested: requested, limit: longest) }
        return requested
    }
}
