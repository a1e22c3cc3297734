import Foundation

/// Running programs to their end.
package enum NamespaceCommand {
    /// A program that ended badly, or could not be started.
    package struct Failure: Error, CustomStringConvertible {
        package let command: String
        package let status: Int32
        package let output: String
        package let errors: String
        package var description: String { "\(command): status \(status): \(errors.isEmpty ? output : errors)" }
    }

    /// What the program printed to stdout.
    @discardableResult
    package static func run(_ arguments: [String], input: String? = nil) throws -> String {
        let process = try NamespaceProcess(arguments, input: input)
        let status = process.wait()
        guard status == 0 else {
            throw Failure(
                command: arguments.joined(separator: " "), status: status, output: process.output,
                errors: process.errors)
        }
        return process.output
    }
}

/// A running program. What it prints goes to files, so that it never waits for a reader.
///
/// Not Foundation's `Process`: that one leaves the signals blocked that its own threads block, SIGTERM among them.
package final class NamespaceProcess: @unchecked Sendable {
    package let pid: Int32
    private let folder: URL
    private let lock = NSLock()
    /// Guarded by `lock`: the exit status, or minus the signal, once the program has been reaped.
    private var ended: Int32?

    package init(_ arguments: [String], environment: [String: String] = [:], input: String? = nil) throws {
        let files = FileManager.default
        folder = files.temporaryDirectory.appendingPathComponent("mesh-\(UUID().uuidString)")
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data((input ?? "").utf8).write(to: folder.appendingPathComponent("stdin"))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, folder.appendingPathComponent("stdin").path, O_RDONLY, 0)
        for (number, name) in [(Int32(1), "stdout"), (2, "stderr")] {
            let path = folder.appendingPathComponent(name).path
            posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let everything = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = arguments.map { strdup($0) } + [nil]
        let variables = everything.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let refused = posix_spawnp(&pid, arguments[0], &actions, &attributes, words, variables)
        guard refused == 0 else {
            throw NamespaceCommand.Failure(
                command: arguments.joined(separator: " "), status: refused, output: "",
                errors: String(cString: strerror(refused)))
        }
        self.pid = pid
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What was printed so far.
    package var output: String { read("stdout") }
    package var errors: String { read("stderr") }

    private func read(_ name: String) -> String {
        (try? Data(contentsOf: folder.appendingPathComponent(name))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    package var isRunning: Bool { reap() == nil }

    /// The status if it has ended.
    private func reap() -> Int32? {
        lock.withLock {
            if ended == nil {
                var status: Int32 = 0
                if waitpid(pid, &status, WNOHANG) == pid {
                    ended = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
                }
            }
            return ended
        }
    }

    /// Sends a signal, such as SIGTERM; nothing when it has ended.
    package func signal(_ number: Int32) { if isRunning { kill(pid, number) } }

    /// Waits for the end; the exit status, or minus the signal that ended it.
    ///
    /// A program that has not ended by the deadline is killed, so the answer is then -9.
    @discardableResult
    package func wait(seconds: Double = 180) -> Int32 {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var pause: UInt32 = 200
        while true {
            if let status = reap() { return status }
            if Date() >= deadline { kill(pid, SIGKILL) }
            usleep(pause)
            pause = min(pause * 2, 5_000)
        }
    }

    /// Ends it: SIGTERM, then SIGKILL after a second.
    package func stop() {
        signal(SIGTERM)
        let deadline = Date(timeIntervalSinceNow: 1)
        while isRunning, Date() < deadline { usleep(1_000) }
        signal(SIGKILL)
        wait()
    }

    /// Waits until the output or the errors contain `text`.
    /// - Returns: false when the deadline passed or the program ended without it.
    package func waitFor(_ text: String, seconds: Double = 10) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            let over = !isRunning
            if output.contains(text) || errors.contains(text) { return true }
            if over { return false }
            usleep(2_000)
        }
        return false
    }
}
