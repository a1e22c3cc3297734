import MeshCA
import MeshCore
import MeshTokens

/// What an authority's audit log is written and verified by.
extension Target {
    static let authority = [
        Target(
            name: "AuditLine",
            seeds: [
                auditLine(1, "\"time\":\"2026-01-01T00:00:00.000000Z\",\"event\":\"issued\""),
                auditLine(18_446_744_073_709_551_615, "\"event\":\"refused\",\"reason\":\",\\\"prev\\\":\\\"\""),
            ],
            check: { bytes in
                guard let line = AuditLine(bytes[...]) else { return nil }
                let (members, previous) = (Array(line.members), Array(line.previous))
                // What is read must be all there is: a line that says more than was hashed into it could be two.
                let head = Array("{\"seq\":\(line.sequence),".utf8)
                let again = head + members + Array(",\"prev\":\"".utf8) + previous + Array("\"}".utf8)
                return again == bytes ? nil : "read as \(line), which is another line"
            }),
        Target(
            name: "AuditText", seeds: ["node \"1\"\n\u{2028}", "\\u0000\u{0}\u{7f}", "é\u{1f600}\u{2029}"],
            check: { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                var written = "\""
                AuditText.append(text, limit: .max, to: &written)
                written += "\""
                if written.unicodeScalars.contains(where: { $0.value < 0x20 }) { return "\(written) is not one line" }
                guard case .string(text)? = try? JSONText.parse(Array(written.utf8)) else {
                    return "\(written) is not read back as \(text.debugDescription)"
                }
                return nil
            }),
    ]

    private static func auditLine(_ sequence: UInt64, _ members: String) -> String {
        AuditLine.text(sequence: sequence, members: members, previous: String(repeating: "0a", count: 32))
    }
}
