import Foundation
import MeshTestSupport

/// A running `meshctl ztunnel run`.
final class Ztunnel {
    let node: NamespaceNode
    let process: NamespaceProcess

    init(node: NamespaceNode, process: NamespaceProcess) {
        self.node = node
        self.process = process
    }

    func waitUntilReady(port: Int = 15_021, within seconds: Double = 10) throws {
        _ = try eventually(
            "ztunnel of \(node.name) to be ready: \(process.output)\(process.errors)", within: seconds
        ) {
            guard process.isRunning else {
                throw TimedOut(description: "ztunnel of \(node.name) ended: \(process.errors)\(process.output)")
            }
            let asked = try node.outcome(["curl", "-sf", "-m", "2", "http://127.0.0.1:\(port)/healthz/ready"])
            return asked.status == 0 ? true : nil
        }
    }

    // MARK: Logs

    /// Every JSON line that it printed so far, to either stream.
    var log: [LogLine] { (process.output + process.errors).split(separator: "\n").compactMap(LogLine.init) }

    /// The access log of finished and refused connections, of one direction.
    func accessLog(_ direction: String) -> [LogLine] {
        log.filter { $0["scope"] == "access" && $0["direction"] == direction && $0["message"] != "connection opened" }
    }

    /// Waits for an access log line about which `matches` holds.
    func awaitAccess(_ direction: String, _ matches: (LogLine) -> Bool = { _ in true }) throws -> LogLine {
        do {
            return try eventually("an \(direction) line") { accessLog(direction).first(where: matches) }
        } catch is TimedOut {
            let seen = process.output + process.errors
            throw TimedOut(description: "no such \(direction) line in the log of \(node.name):\n\(seen.suffix(4000))")
        }
    }

    // MARK: Measures

    func metrics() throws -> String {
        try node.outcome(["curl", "-sf", "-m", "5", "http://127.0.0.1:15020/metrics"]).output
    }

    /// The sum of a metric's series that contain all these texts.
    func metric(_ name: String, _ labels: String...) throws -> Double {
        try metrics().split(separator: "\n")
            .filter { line in line.hasPrefix(name + "{") && labels.allSatisfy { line.contains($0) } }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    var openDescriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count) ?? -1
    }

    /// Resident memory in KiB.
    var residentKiB: Int { statusKiB("VmRSS:") }
}

/// One line of a JSON log.
struct LogLine: CustomStringConvertible {
    var description: String
    private let fields: [String: String]

    init?(_ line: Substring) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            return nil
        }
        fields = object.mapValues { "\($0)" }
        description = String(line)
    }

    subscript(_ key: String) -> String? { fields[key] }

    /// The value of a numeric field.
    func number(_ key: String) -> Int? { fields[key].flatMap { Int($0) } }
}
