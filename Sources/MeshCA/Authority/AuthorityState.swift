/// `state.yaml`: what an authority remembers between runs. All times are seconds since 1970.
package struct AuthorityState: Sendable, Hashable {
    /// No certificate that this authority issued ends later.
    package var horizon: Int64 = 0
    /// The longest life that it gave to any. Seconds.
    package var longest: Int64 = 0
    package var rotation: RotationState?

    init() {}

    /// - Throws: `YAMLProblem`.
    init(parsing text: String, file: String) throws(YAMLProblem) {
        let top = try YAMLValue(parsing: text, file: file)
        let values = try top.mapping(known: ["horizon", "longest", "rotation", "since", "until"])
        func number(_ key: String) throws(YAMLProblem) -> Int64 {
            guard let value = values[key] else { return 0 }
            guard let number = Int64(try value.text()), number >= 0 else { throw value.problem("expected seconds") }
            return number
        }
        horizon = try number("horizon")
        longest = try number("longest")
        guard let value = values["rotation"] else { return }
        guard let phase = RotationState.Phase(rawValue: try value.text()) else {
            throw value.problem("expected distributing or retiring")
        }
        rotation = RotationState(phase: phase, since: try number("since"), until: try number("until"))
    }

    var text: String {
        var text = "# Written by meshctl ca. Times are seconds since 1970.\nhorizon: \(horizon)\nlongest: \(longest)\n"
        if let rotation {
            text += "rotation: \(rotation.phase.rawValue)\nsince: \(rotation.since)\nuntil: \(rotation.until)\n"
        }
        return text
    }

    /// How much further than needed the horizon is set, so that it is written once in a while and not per certificate.
    private static let slack: Int64 = 3600

    /// What has to be remembered before a certificate may leave; `nil` when this state says it already.
    func covering(notAfter: Int64, now: Int64) -> AuthorityState? {
        guard notAfter > horizon || notAfter - now > longest else { return nil }
        var next = self
        if notAfter > horizon { next.horizon = notAfter + Self.slack }
        next.longest = max(longest, notAfter - now)
        return next
    }
}

/// How far a new root has come. Times are seconds since 1970.
///
/// First the new root is handed out beside the old one, until every certificate whose holder may not know it has
/// ended. Then it signs, and the old one stays in the bundle until every certificate that it signed has ended.
package struct RotationState: Sendable, Hashable {
    package enum Phase: String, Sendable {
        /// Both are trusted, the old one signs.
        case distributing
        /// Both are trusted, the new one signs.
        case retiring
    }

    package var phase: Phase
    package var since: Int64
    /// When the phase has done its work.
    package var until: Int64

    /// The last moment to begin is when a fifth of a root's life is left.
    package static func isDue(notBefore: Int64, notAfter: Int64, now: Int64) -> Bool {
        notAfter - now <= (notAfter - notBefore) / 5
    }
}
