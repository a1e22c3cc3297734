import Foundation
import MeshTestSupport

/// The program under test: `$MESHCTL`, or the release build.
enum Meshctl {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let path = environment("MESHCTL") ?? repository.appendingPathComponent(".build/release/meshctl").path

    /// `nil` when these tests can run here. MESHCTL_REQUIRE_ROOT=1 runs them in any case, so that they fail, not skip.
    static let whyUnusable: String? = {
        if environment("MESHCTL_REQUIRE_ROOT") == "1" { return nil }
        if let reason = NamespaceWorld.whyUnusable { return reason }
        return FileManager.default.isExecutableFile(atPath: path)
            ? nil : "needs \(path); build it with scripts/test, or name one in MESHCTL"
    }()
    static var isUsable: Bool { whyUnusable == nil }

    /// Runs it outside any pod.
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        return try Outcome.of(["env"] + variables + [path] + arguments)
    }

    static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}

/// How a program ended.
struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    static func of(_ command: [String]) throws -> Outcome {
        do {
            return Outcome(status: 0, output: try NamespaceCommand.run(command), errors: "")
        } catch let failure as NamespaceCommand.Failure {
            return Outcome(status: failure.status, output: failure.output, errors: failure.errors)
        }
    }

    /// What it printed to stderr, line by line.
    var complaints: [String] { errors.split(separator: "\n").map(String.init) }
}

extension NamespaceNode {
    /// Runs a program inside and waits for it, whatever its status.
    func outcome(_ command: [String], environment: [String: String] = [:]) throws -> Outcome {
        let process = try spawn(command, environment: environment)
        let status = process.wait()
        return Outcome(status: status, output: process.output, errors: process.errors)
    }
}

/// Something that did not happen in time.
struct TimedOut: Error, CustomStringConvertible {
    var description: String
}

/// Asks until the answer is not `nil`; for what other processes do, so there is nothing else to wait for.
func eventually<Value>(
    _ what: String, within seconds: Double = 10, _ probe: () throws -> Value?
) throws -> Value {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while true {
        if let value = try probe() { return value }
        guard Date() < deadline else { throw TimedOut(description: "waited \(seconds) s for \(what)") }
        usleep(20_000)
    }
}

/// Lets time pass between two readings of a counter.
func usleepMilliseconds(_ count: UInt32) { usleep(count * 1_000) }
