import FoundationEssentials
import Yams

/// The shapes that every result can be printed in.
package enum OutputFormat: String, CaseIterable, Sendable {
    case text, json, yaml

    /// The whole output, ending in a newline.
    package func render(_ report: some Report, style: TextStyle) throws -> String {
        switch self {
        case .text:
            return report.text(style) + "\n"
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
        case .yaml:
            let encoder = YAMLEncoder()
            encoder.options.sortKeys = true
            return try encoder.encode(report)
        }
    }
}
