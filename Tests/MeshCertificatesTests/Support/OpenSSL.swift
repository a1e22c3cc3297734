import Foundation
import Testing

/// A folder that goes away with its owner, and openssl in it: certificates that another implementation wrote.
final class OpenSSL {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "meshctl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }
    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }
    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }

    /// What it prints.
    @discardableResult func run(_ arguments: String...) throws -> String { try run(arguments) }

    @discardableResult func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // Complaints go to a file: a pipe that nobody reads could fill.
        let complaints = folder.appending(path: "complaints")
        try Data().write(to: complaints)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: complaints)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let why = try self.text("complaints")
        #expect(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " ")): \(why)")
        return text
    }

    /// A self-signed certificate with these extensions, one line each as in openssl's configuration.
    func selfSigned(
        _ name: String, key: [String], digest: String = "sha256", subject: String = "/O=test", _ extensions: [String]
    ) throws {
        let lines = ["[req]", "distinguished_name=dn", "x509_extensions=ext", "[dn]", "[ext]"] + extensions
        try write("\(name).cnf", lines.joined(separator: "\n") + "\n")
        let arguments = ["req", "-x509", "-new", "-nodes", "-days", "30", "-config", "\(name).cnf", "-subj", subject]
        try run(arguments + key + ["-\(digest)", "-keyout", "\(name).key", "-out", "\(name).pem"])
    }
}

/// The certificates of Tests/Fixtures/pki; its README says what each one proves.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/pki")

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }
}
