package import Logging
package import MeshLinux

/// Writes the control plane's log lines in the same shape, and through the same queue, as the access log.
package struct MeshLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    private let target: String
    private let format: LogLine.Format
    private let sink: LogSink
    private let control: LogControl
    /// Set by code that wants a logger quieter than the filter says.
    private var own: Logger.Level?

    package init(target: String, control: LogControl, format: LogLine.Format, sink: LogSink) {
        self.target = target
        self.format = format
        self.sink = sink
        self.control = control
    }

    /// Asked for each line, so that a change of the filter holds at once.
    package var logLevel: Logger.Level {
        get { own ?? control.filter.level(of: target).logger ?? .critical }
        set { own = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        guard control.filter.level(of: target) != .off else { return }
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
