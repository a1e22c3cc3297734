import MeshCore

/// One line of the log, in ztunnel's plain or JSON shape.
///
/// Plain: `<RFC 3339 µs Z>\t<level>\t<target>\t<message>\t<key=value …>`, text values quoted, addresses and numbers
/// bare. JSON: one object, `level`, `time`, `scope`, `message`, then the fields. Absent (empty) values are left out.
package struct LogLine {
    package enum Format: String, Sendable, CaseIterable { case plain, json }

    private let format: Format
    private var bytes: [UInt8] = []
    private var first = true

    package init(format: Format, level: String, target: String, message: String) {
        self.format = format
        bytes.reserveCapacity(512)
        let time = Timestamp.text(microseconds: Kernel.realtimeMicroseconds())
        switch format {
        case .plain:
            append("\(time)\t\(level)\t\(target)\t\(message)")
        case .json:
            append("{\"level\":\"\(level)\",\"time\":\"\(time)\",\"scope\":")
            quote(target)
            append(",\"message\":")
            quote(message)
        }
    }

    /// A value that is text: quoted in both shapes.
    package mutating func text(_ key: String, _ value: String) {
        guard !value.isEmpty else { return }
        self.key(key)
        quote(value)
    }

    /// A value without spaces or quotes, such as an address: bare in the plain shape, and quoted when it turns out to
    /// hold some after all.
    package mutating func bare(_ key: String, _ value: String) {
        guard !value.isEmpty else { return }
        self.key(key)
        let isBare = value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") }
        if format == .plain, isBare { append(value) } else { quote(value) }
    }

    package mutating func number(_ key: String, _ value: Int) {
        self.key(key)
        append(String(value))
    }

    /// Ends the line and appends it to `output`.
    package consuming func finish(into output: inout [UInt8]) {
        if format == .json { append("}") }
        bytes.append(UInt8(ascii: "\n"))
        output += bytes
    }

    private mutating func key(_ key: String) {
        if format == .json {
            append(",\"\(key)\":")
        } else {
            append(first ? "\t\(key)=" : " \(key)=")
            first = false
        }
    }

    private mutating func append(_ text: String) { bytes += text.utf8 }

    /// A JSON string; what comes from peers cannot break out of the line.
    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20, 0x7f: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
