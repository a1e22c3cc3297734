package import Logging
package import MeshLinux

/// Writes the control plane's log lines in the same shape, and through the same queue, as the access log.
package struct MeshLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let target: String
    private let format: LogLine.Format
    private let sink: LogSink
    private let isOff: Bool

    package init(target: String, filter: LogFilter, format: LogLine.Format, sink: LogSink) {
        self.target = target
        self.format = format
        self.sink = sink
        let level = filter.level(of: target).logger
        isOff = level == nil
        logLevel = level ?? .critical
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        guard !isOff else { return }
        let level = event.level == .warning ? "warn" : event.level == .critical ? "error" : event.level.rawValue
        var line = LogLine(format: format, level: level, target: target, message: event.message.description)
        var facts = metadata
        if let more = event.metadata { facts.merge(more) { _, new in new } }
        for (key, value) in facts.sorted(by: { $0.key < $1.key }) { line.text(key, "\(value)") }
        var bytes: [UInt8] = []
        line.finish(into: &bytes)
        sink.write(bytes)
    }
}
