package import Logging

extension Logger {
    /// For what a test has no use for.
    package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
