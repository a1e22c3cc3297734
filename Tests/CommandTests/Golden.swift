import Foundation
import Testing

/// Expected output, one file per case, in Tests/CommandTests/Golden.
enum Golden {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden")

    /// Compares with the file. With MESHCTL_RECORD=1 the file is written, and the test fails so that a person reads it.
    static func check(_ name: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = folder.appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["MESHCTL_RECORD"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
            Issue.record("recorded \(name); read the difference, then run again", sourceLocation: sourceLocation)
        } else {
            let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            #expect(text == expected, "Golden/\(name)", sourceLocation: sourceLocation)
        }
    }
}
