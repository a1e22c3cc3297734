package import Logging
package import MeshCore

/// Which lines are written: a level for all targets, and others for single ones.
///
/// Shape: `level` or `target=level`, comma separated, as in `access=debug,info`; the longest target that is a prefix of a
/// line's wins. Levels: off, error, warn, info, debug, trace. Source: `RUST_LOG` as ztunnel reads it; the prefix
/// `ztunnel::` of targets is accepted and dropped, since logs do not show it either.
package struct LogFilter: Sendable, Equatable, CustomStringConvertible {
    package enum Level: String, CaseIterable, Sendable, Comparable {
        case off, error, warn, info, debug, trace

        package static func < (a: Level, b: Level) -> Bool { a.verbosity < b.verbosity }
        private var verbosity: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        /// `nil` for off.
        package var logger: Logger.Level? {
            switch self {
            case .off: nil
            case .error: .error
            case .warn: .warning
            case .info: .info
            case .debug: .debug
            case .trace: .trace
            }
        }
    }

    package private(set) var general = Level.info
    package private(set) var targets: [String: Level] = [:]

    package init() {}

    /// - Throws: usage, naming the part that is wrong.
    package init(parsing text: String) throws(MeshFailure) { try add(parsing: text) }

    /// Takes over what `text` says; what it does not name stays.
    /// - Throws: usage, naming the part that is wrong; nothing has changed then.
    mutating func add(parsing text: String) throws(MeshFailure) {
        var next = self
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(sides[sides.count - 1]).lowercased()
            guard let level = Level(rawValue: name), sides[0] != "" else {
                throw MeshFailure(
                    .usage, doing: "read log level \"\(text.prefix(200))\"",
                    reason: "\"\(part.prefix(80))\" is no level; use off, error, warn, info, debug or trace, or "
                        + "target=level")
            }
            if sides.count == 1 {
                next.general = level
            } else {
                let target = sides[0].hasPrefix("ztunnel::") ? sides[0].dropFirst("ztunnel::".count) : sides[0]
                next.targets[String(target)] = level
            }
        }
        self = next
    }

    package func level(of target: String) -> Level {
        let matching = targets.filter { target == $0.key || target.hasPrefix($0.key + "::") }
        return matching.max { $0.key.count < $1.key.count }?.value ?? general
    }

    package var description: String {
        (targets.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.rawValue)" } + [general.rawValue])
            .joined(separator: ",")
    }
}
