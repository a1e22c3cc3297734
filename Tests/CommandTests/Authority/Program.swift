import Foundation
import Glibc
import Testing

/// The program that lies beside the tests that were built with it, run as a process of its own.
final class Program {
    let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    struct Ended {
        let status: Int32
        let output: String
        let errors: String
    }

    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("meshctl").path

    init(_ arguments: [String]) {
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = errors
    }

    static func run(_ arguments: [String]) throws -> Ended {
        let program = Program(arguments)
        try program.process.run()
        // Little is printed to stderr, so it waits in the pipe until stdout is read.
        let output = program.output.fileHandleForReading.readDataToEndOfFile()
        let errors = program.errors.fileHandleForReading.readDataToEndOfFile()
        program.process.waitUntilExit()
        return Ended(
            status: program.process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }

    /// Starts it and waits for the line that says where it listens.
    func serve() throws -> UInt16 {
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let words = line.split(whereSeparator: { " ,\n".contains($0) })
        return try #require(
            words.lazy.compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } }.first, "\(line)")
    }

    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// What it wrote to stderr, after its end.
    func log() -> String { String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }
}
