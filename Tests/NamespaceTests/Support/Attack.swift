import Foundation
import MeshTestSupport

/// A hostile peer of a pod's port 15008: Tests/Tools/attacker.py.
enum Attack {
    static let script = Meshctl.repository.appendingPathComponent("Tests/Tools/attacker.py").path

    /// What the attacker reports.
    struct Result: Decodable {
        var connections: Int
        /// Frames of HTTP/2, sent or begun; 0 where the attack comes before HTTP/2.
        var frames: Int
        /// Bytes.
        var sent: Int
        /// CPU seconds that it took.
        var cpu: Double
        /// How connections ended: `goaway`, `closed`, `time`, or what went wrong, with the number of each.
        var ends: [String: Int]
    }

    /// Starts an attack from pod `attacker` on `target`, whose second application listens on 7100.
    ///
    /// - Parameter seconds: how long, as attacker.py takes it.
    static func start(_ kind: String, on target: String, in mesh: Mesh, seconds: String) throws -> NamespaceProcess {
        let credentials = try mesh.issue("attacker")
        let host = try mesh.node(target).v4
        return try mesh.node("attacker").spawn([
            "python3", script, kind, "\(host)", seconds, credentials.certificate, credentials.key, "\(host):7100",
        ])
    }

    static func result(of attacker: NamespaceProcess) throws -> Result {
        attacker.wait()
        guard let line = attacker.output.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
            throw TimedOut(description: "attacker.py reported nothing: \(attacker.errors)")
        }
        return try JSONDecoder().decode(Result.self, from: Data(line.utf8))
    }
}

extension Ztunnel {
    /// CPU seconds that the process has used, in user and kernel mode.
    var cpuSeconds: Double {
        let text = (try? String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ").map(String.init) ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return -1 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The most resident memory that the process ever had, in KiB.
    var peakKiB: Int { statusKiB("VmHWM:") }

    /// Resident memory that is not pages of files, in KiB: what was allocated.
    var allocatedKiB: Int { statusKiB("RssAnon:") }

    func statusKiB(_ key: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? -1
    }

    /// Waits until the number of open descriptors is at most this.
    func awaitDescriptors(atMost most: Int, within seconds: Double = 15) throws {
        do {
            _ = try eventually("descriptors to be closed", within: seconds) { openDescriptors <= most ? true : nil }
        } catch is TimedOut {
            throw TimedOut(description: "\(node.name) has \(openDescriptors) descriptors open, expected \(most)")
        }
    }
}
