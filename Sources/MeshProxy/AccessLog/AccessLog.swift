import MeshCore
package import MeshLinux

/// How the access log is written.
package struct AccessLogOptions: Sendable, Equatable {
    /// The least severe event that is written.
    package enum Threshold: Int, Sendable, Comparable {
        /// Opened, complete, failed.
        case debug
        /// Complete, failed.
        case info
        /// Only what failed early.
        case warn
        /// Only connections that ended in an error.
        case error
        case off
        package static func < (a: Threshold, b: Threshold) -> Bool { a.rawValue < b.rawValue }
    }

    /// Default plain.
    package var format = LogLine.Format.plain
    /// Default info.
    package var threshold = Threshold.info
    /// The least severe line of policy decisions (target `state`) that is written. Default info, so none.
    package var policyThreshold = Threshold.info
    /// Policy decisions are told at info instead of debug. Default false.
    package var policyDecisionsAtInfo = false
    package init() {}

    /// How severe policy decisions count.
    var policyLevel: Threshold { policyDecisionsAtInfo ? .info : .debug }
}

/// Writes one line per event of a connection. Confined to one reactor; lines leave it once per turn.
///
/// Source: field names and order as ztunnel's target `access`, so that log pipelines keep working.
struct AccessLog {
    private(set) var options: AccessLogOptions
    private let sink: LogSink
    private var pending: [UInt8] = []

    init(_ options: AccessLogOptions, sink: LogSink) {
        self.options = options
        self.sink = sink
    }

    /// Hands the lines of this turn to the writer.
    @inline(__always)
    mutating func flush() {
        if pending.isEmpty { return }
        sink.write(pending)
        pending.removeAll(keepingCapacity: pending.capacity < 65536)
    }

    /// Changes levels from now on.
    mutating func set(threshold: AccessLogOptions.Threshold) { options.threshold = threshold }
    mutating func set(policyThreshold: AccessLogOptions.Threshold) { options.policyThreshold = policyThreshold }

    mutating func append(_ line: consuming LogLine) { line.finish(into: &pending) }

    mutating func opened(_ record: ConnectionRecord) {
        guard options.threshold <= .debug else { return }
        write("debug", "connection opened", record, failure: nil, atEnd: nil)
    }

    mutating func complete(_ record: ConnectionRecord, failure: ConnectionFailure?, now: UInt64) {
        guard options.threshold <= (failure == nil ? .info : .error) else { return }
        write(failure == nil ? "info" : "error", "connection complete", record, failure: failure, atEnd: now)
    }

    /// A connection that was refused before it counted as opened.
    mutating func failed(_ record: ConnectionRecord, _ failure: ConnectionFailure) {
        guard options.threshold <= .warn else { return }
        var line = LogLine(format: options.format, level: "warn", target: "access", message: "connection failed")
        line.bare("src.addr", record.source.description)
        line.bare("dst.addr", record.destination.description)
        line.text("direction", record.direction == .inbound ? "inbound" : "outbound")
        line.text("error", failure.description)
        line.finish(into: &pending)
    }

    /// Something about the proxy itself that a person should know.
    mutating func warn(_ message: String, reason: String) {
        guard options.threshold <= .warn else { return }
        var line = LogLine(format: options.format, level: "warn", target: "proxy", message: message)
        line.text("reason", reason)
        line.finish(into: &pending)
    }

    private mutating func write(
        _ level: String, _ message: String, _ record: ConnectionRecord, failure: ConnectionFailure?, atEnd: UInt64?
    ) {
        var line = LogLine(format: options.format, level: level, target: "access", message: message)
        line.bare("src.addr", record.source.description)
        line.workload("src", record.sourceWorkload, identity: record.mutualTLS ? record.sourceIdentity : nil)
        line.bare("dst.addr", record.destination.description)
        line.bare("dst.hbone_addr", record.hboneAddress)
        line.text("dst.service", record.service?.hostname ?? "")
        line.workload("dst", record.destinationWorkload, identity: record.mutualTLS ? record.destinationIdentity : nil)
        line.text("direction", record.direction == .inbound ? "inbound" : "outbound")
        if let atEnd {
            let outbound = record.direction == .outbound
            line.number("bytes_sent", outbound ? record.clientToServer : record.serverToClient)
            line.number("bytes_recv", outbound ? record.serverToClient : record.clientToServer)
            line.text("duration", "\((max(atEnd, record.start) - record.start) / 1_000_000)ms")
        }
        if let refusal = record.refusal { line.text("retried_after", refusal.rawValue) }
        if let failure { line.text("error", failure.description) }
        line.finish(into: &pending)
    }
}

extension LogLine {
    fileprivate mutating func workload(_ side: String, _ workload: Workload?, identity: SPIFFEID?) {
        if let workload {
            text("\(side).workload", workload.name.isEmpty ? workload.fields.canonicalName : workload.name)
            text("\(side).namespace", workload.namespace)
        }
        if let identity { text("\(side).identity", identity.description) }
        if let workload { text("\(side).cluster", workload.fields.clusterID) }
    }
}
