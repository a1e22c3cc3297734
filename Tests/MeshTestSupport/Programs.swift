import Foundation

/// Runs a program of this machine and gives back its status and everything that it said.
package func run(_ line: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = line
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

package func run(_ program: String, _ arguments: String...) throws -> (status: Int32, output: String) {
    try run([program] + arguments)
}

package func openssl(_ arguments: [String]) throws -> (status: Int32, output: String) {
    try run(["openssl"] + arguments)
}
package func openssl(_ arguments: String...) throws -> (status: Int32, output: String) { try openssl(arguments) }

/// Does what blocks on a thread of its own: on those of the cooperative pool, every other test would wait for it.
package func apart<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { done in
        Thread.detachNewThread { done.resume(with: Result { try body() }) }
    }
}

package func runApart(_ line: [String]) async throws -> (status: Int32, output: String) {
    try await apart { try run(line) }
}
