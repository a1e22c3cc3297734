import Foundation
import MeshCA
import MeshTestSupport
import Testing

/// The files of one log, for tests to read and to damage.
struct AuditFiles {
    let folder: TemporaryFolder
    var path: String { folder.file("audit") }

    init() throws { folder = try TemporaryFolder() }

    static func record(_ number: Int, reason: String = "") -> AuditRecord {
        var record = AuditRecord(.issued, time: ManualClock.start * 1_000_000 + Int64(number))
        record.caller = "caller \(number)"
        record.reason = reason
        return record
    }

    func open(sizeLimit: Int = AuditFolder.defaultSizeLimit) throws -> AuditFolder {
        try AuditFolder(path, sizeLimit: sizeLimit, now: ManualClock.start * 1_000_000)
    }

    /// A log of `count` records, each file `perFile` of them.
    func made(_ count: Int, perFile: Int = 1000) throws {
        let log = try open(sizeLimit: perFile * 100)
        for number in 0..<count { try log.append([Self.record(number)]) }
    }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    func text(_ name: String) throws -> String { try folder.read("audit/\(name)") }
    func first() throws -> String { try #require(try names().first) }
    func lines() throws -> [String] {
        try names().filter { $0.hasPrefix("audit-") }.flatMap { try text($0).split(separator: "\n").map(String.init) }
    }
    func rewrite(_ name: String, _ text: String) throws { try folder.write("audit/\(name)", text) }
    func verify(noted: AuditChain? = nil) throws -> AuditVerification { try AuditVerification.run(path, noted: noted) }
}

@Suite("An audit log")
struct AuditFolderTests {
    let files: AuditFiles
    init() throws { files = try AuditFiles() }

    @Test("is JSON lines that hold each other's hashes, for the owner only")
    func form() throws {
        var record = AuditRecord(.refused, time: 1_767_225_600_123_456)
        record.caller = "node \"1\"\n\u{2028}"
        record.peer = "ipv4:10.0.0.1:1"
        record.identity = "spiffe://cluster.local/ns/a/sa/b"
        record.status = "UNAUTHENTICATED"
        record.reason = "not on the list"
        try files.open().append([record, AuditFiles.record(2)])
        let lines = try files.lines()
        let first = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(first["seq"] as? Int == 1)
        #expect(first["time"] as? String == "2026-01-01T00:00:00.123456Z")
        #expect(first["event"] as? String == "refused")
        #expect(first["caller"] as? String == record.caller)
        #expect(first["prev"] as? String == String(repeating: "0", count: 64))
        #expect(first["serial"] == nil)
        // Another program's word for the hash.
        let line = try files.folder.write("line", lines[0])
        let hash = try run("sha256sum", line).output.prefix(64)
        let second = try #require(try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any])
        #expect(second["prev"] as? String == String(hash))
        #expect(try files.folder.mode("audit") == 0o700)
        #expect(try files.folder.mode("audit/\(files.first())") == 0o600)
    }

    @Test("goes on where it stood, over files of limited size")
    func rotation() throws {
        for _ in 0..<3 { try files.made(10, perFile: 4) }
        let found = try files.verify()
        #expect(found.records == 30 && found.chain.sequence == 30)
        #expect(found.files > 3)
        #expect(try files.open().chain == found.chain)
    }

    @Test("can be verified without its oldest files, and says from which record on")
    func archived() throws {
        try files.made(20, perFile: 4)
        let whole = try files.verify()
        _ = try run("rm", files.path + "/" + files.first())
        let rest = try files.verify()
        #expect(rest.first > 1)
        #expect(rest.chain == whole.chain)
        #expect(rest.records == 20 - Int(rest.first) + 1)
    }

    @Test("names the first broken record when a line is changed", arguments: 0..<5)
    func changed(index: Int) throws {
        try files.made(6)
        var lines = try files.lines()
        lines[index] = lines[index].replacing("caller \(index)", with: "caller x")
        try files.rewrite(files.first(), lines.map { $0 + "\n" }.joined())
        let error = #expect(throws: AuditError.self) { try files.verify() }
        // A line is whole by itself: what gives it away is the hash in the next one.
        guard case .broken(_, let after, _) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(after == UInt64(index + 1))
    }

    @Test(
        "names the place when lines are missing, doubled, swapped or added",
        arguments: ["missing", "doubled", "swapped", "added"])
    func rearranged(how: String) throws {
        try files.made(6)
        var lines = try files.lines()
        switch how {
        case "missing": lines.remove(at: 2)
        case "doubled": lines.insert(lines[1], at: 2)
        case "swapped": lines.swapAt(2, 3)
        default: lines.insert("{\"seq\":3}", at: 2)
        }
        try files.rewrite(files.first(), lines.map { $0 + "\n" }.joined())
        let error = #expect(throws: AuditError.self) { try files.verify() }
        guard case .broken(_, 2, _) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(throws: AuditError.self) { try files.open() }
    }

    @Test("shows by a head that was noted that its end, or all of it, was written anew")
    func rewritten() throws {
        try files.made(3)
        let noted = try files.verify().chain
        try files.made(3)
        #expect(try files.verify(noted: noted).records == 6)
        #expect(AuditChain("\(noted)") == noted)
        // The same number of records, another history.
        _ = try run("rm", "-r", files.path)
        let log = try files.open()
        for number in 10..<16 { try log.append([AuditFiles.record(number)]) }
        #expect(try files.verify().records == 6)
        #expect(throws: AuditError.self) { try files.verify(noted: noted) }
    }

    @Test("names the file that is missing between others")
    func missingFile() throws {
        try files.made(20, perFile: 4)
        let names = try files.names()
        _ = try run("rm", "\(files.path)/\(names[1])")
        let error = #expect(throws: AuditError.self) { try files.verify() }
        #expect(error.map { "\($0)" }?.contains("is missing") == true)
    }

    @Test("knows no line that is cut short, or that has more in it than was written")
    func lines() throws {
        try files.made(2)
        let line = Array(try #require(try files.lines().last).utf8)
        let read = try #require(AuditLine(line[...]))
        #expect(read.sequence == 2)
        for count in 0..<line.count { #expect(AuditLine(line[..<count]) == nil, "\(count) bytes") }
        for more in ["0", "+", " ", "-"] {
            let text = String(decoding: line, as: UTF8.self).replacing("{\"seq\":", with: "{\"seq\":\(more)")
            #expect(AuditLine(Array(text.utf8)[...]) == nil, "\(text)")
        }
        #expect(AuditLine((line + [0x20])[...]) == nil)
        #expect(AuditLine(Array(String(decoding: line, as: UTF8.self).uppercased().utf8)[...]) == nil)
    }

    @Test("sets a torn end aside, notes it and goes on", arguments: 1..<40)
    func torn(cut: Int) throws {
        try files.made(3)
        let name = try files.first()
        let text = try files.text(name)
        let last = text.split(separator: "\n").last.map { $0.count + 1 } ?? 0
        try files.rewrite(name, String(text.dropLast(min(cut * 4, last - 1))))
        #expect(try files.verify().tornBytes > 0)
        try files.open().append([AuditFiles.record(9)])
        let found = try files.verify()
        #expect(found.records == 4 && found.tornBytes == 0)
        let lines = try files.lines()
        #expect(lines[2].contains("\"event\":\"repaired\""))
        #expect(try files.names().contains { $0.hasPrefix("torn-after-2-") })
    }

    @Test("takes blocks that never reached the disk for a torn end")
    func zeros() throws {
        try files.made(2)
        let name = try files.first()
        try files.rewrite(name, try files.text(name) + String(repeating: "\0", count: 4096) + "\nx\n")
        try files.open().append([AuditFiles.record(1)])
        #expect(try files.verify().records == 4)
    }

    @Test("begins again where a crash left a file without a line")
    func emptyFile() throws {
        try files.made(3)
        try files.rewrite("audit-00000000000000000004.jsonl", "")
        try files.open().append([AuditFiles.record(3)])
        #expect(try files.verify().records == 4)
    }

    @Test("is one chain when two processes write to it")
    func two() throws {
        let (a, b) = (try files.open(sizeLimit: 700), try files.open(sizeLimit: 700))
        for number in 0..<20 { try (number % 3 == 0 ? a : b).append([AuditFiles.record(number)]) }
        let found = try files.verify()
        #expect(found.records == 20 && found.files > 2)
    }

    @Test("is not written to any more once records of it were removed")
    func removed() throws {
        let log = try files.open()
        for number in 0..<5 { try log.append([AuditFiles.record(number)]) }
        let name = try files.first()
        try files.rewrite(name, try files.lines().prefix(2).map { $0 + "\n" }.joined())
        for _ in 0..<2 { #expect(throws: AuditError.self) { try log.append([AuditFiles.record(9)]) } }
    }

    @Test("cuts long words off and keeps the line one line")
    func long() throws {
        let words = String(repeating: "ü\n", count: 100_000)
        try files.open().append([AuditFiles.record(1, reason: words)])
        #expect(try files.lines().count == 1)
        #expect(try files.lines()[0].utf8.count < 32_000)
        #expect(try files.verify().records == 1)
    }

    @Test("is not found where there is none")
    func none() throws { #expect(throws: AuditError.self) { try files.verify() } }

    @Test(
        "refuses texts that are no head of a chain",
        arguments: ["", "1", "1:", "x:ff", "1:" + String(repeating: "G", count: 64), "1:ab"])
    func heads(text: String) { #expect(AuditChain(text) == nil) }
}

@Suite("An audit log of many calls")
struct AuditLogTests {
    @Test("has every record that was acknowledged, in one chain")
    func many() async throws {
        let files = try AuditFiles()
        let log = try AuditLog(files.path, now: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<3000 { group.addTask { try await log.append(AuditFiles.record(number)) } }
            try await group.waitForAll()
        }
        #expect(log.chain.sequence == 3000)
        await log.close()
        #expect(try files.verify().records == 3000)
        #expect(
            Set(try files.lines().map { $0.split(separator: "\"caller\":\"")[1].prefix { $0 != "\"" } }).count == 3000)
        await #expect(throws: AuditError.stopped) { try await log.append(AuditFiles.record(1)) }
    }

    @Test("goes to disk once for many records that come together, and once for each that comes alone")
    func batches() async throws {
        let files = try AuditFiles()
        let log = try AuditLog(files.path, now: 0)
        for number in 0..<10 { try await log.append(AuditFiles.record(number)) }
        #expect(log.batches == 10)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<50 {
                group.addTask {
                    for number in 0..<20 { try await log.append(AuditFiles.record(caller * 100 + number)) }
                }
            }
            try await group.waitForAll()
        }
        #expect(log.chain.sequence == 1010)
        // 50 at most go together. Without waiting for each other it was hardly two.
        #expect(log.batches < 510)
        await log.close()
    }

    @Test("tells everybody who waits that it could not be written, and says so until it can")
    func failing() async throws {
        let files = try AuditFiles()
        let log = try AuditLog(files.path, now: 0)
        try await log.append(AuditFiles.record(1))
        _ = try run("rm", "-r", files.path)
        await #expect(throws: AuditError.self) { try await log.append(AuditFiles.record(2)) }
        #expect(log.failure != nil)
        await log.close()
    }
}
