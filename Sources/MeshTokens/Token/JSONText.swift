package import MeshCore

/// Reads JSON of tokens and key sets, strictly.
///
/// A library's reader takes one of two members with one name, and turns numbers into binary fractions; whoever
/// checks a token must not see another one than whoever uses it. Source: RFC 8259. Limits: 32 levels, 10,000 values.
package enum JSONText {
    package enum Problem: Error, Hashable { case form(at: Int), tooDeep, tooMany, duplicate(String) }

    package static func parse(_ bytes: [UInt8]) throws(Problem) -> ClaimValue {
        guard let text = String(validating: bytes, as: UTF8.self), text.utf8.count == bytes.count else {
            throw .form(at: 0)
        }
        var reader = Reader(bytes: bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw .form(at: reader.position) }
        return value
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var budget = 10_000

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipSpace() {
            while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
        }

        mutating func value(depth: Int) throws(Problem) -> ClaimValue {
            guard depth < 32 else { throw .tooDeep }
            budget -= 1
            guard budget >= 0 else { throw .tooMany }
            skipSpace()
            switch next {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try list(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return .number(try number())
            }
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            position += 1
            return true
        }

        private mutating func expect(_ byte: UInt8) throws(Problem) {
            guard take(byte) else { throw .form(at: position) }
        }

        private mutating func word(_ text: String, _ value: ClaimValue) throws(Problem) -> ClaimValue {
            for byte in text.utf8 { try expect(byte) }
            return value
        }

        private mutating func object(_ depth: Int) throws(Problem) -> ClaimValue {
            try expect(UInt8(ascii: "{"))
            var members: [String: ClaimValue] = [:]
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            repeat {
                skipSpace()
                let name = try string()
                skipSpace()
                try expect(UInt8(ascii: ":"))
                let value = try value(depth: depth + 1)
                guard members.updateValue(value, forKey: name) == nil else { throw .duplicate(name) }
                skipSpace()
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
            return .object(members)
        }

        private mutating func list(_ depth: Int) throws(Problem) -> ClaimValue {
            try expect(UInt8(ascii: "["))
            var values: [ClaimValue] = []
            skipSpace()
            if take(UInt8(ascii: "]")) { return .list(values) }
            repeat {
                values.append(try value(depth: depth + 1))
                skipSpace()
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
            return .list(values)
        }

        private mutating func string() throws(Problem) -> String {
            try expect(UInt8(ascii: "\""))
            var text: [UInt8] = []
            while let byte = next {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"): text += try escape()
                case 0..<0x20: throw .form(at: position)
                default: text.append(byte)
                }
            }
            throw .form(at: position)
        }

        private mutating func escape() throws(Problem) -> [UInt8] {
            guard let byte = next else { throw .form(at: position) }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0C]
            case UInt8(ascii: "n"): return [0x0A]
            case UInt8(ascii: "r"): return [0x0D]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "u"):
                var code = try hexWord()
                if (0xD800..<0xDC00).contains(code) {
                    // The first half of a pair: the other one must follow.
                    try expect(UInt8(ascii: "\\"))
                    try expect(UInt8(ascii: "u"))
                    let low = try hexWord()
                    guard (0xDC00..<0xE000).contains(low) else { throw .form(at: position) }
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(code) else { throw .form(at: position) }
                return Array(String(scalar).utf8)
            default: throw .form(at: position)
            }
        }

        private mutating func hexWord() throws(Problem) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw .form(at: position)
                }
                value = value << 4 | UInt32(digit)
                position += 1
            }
            return value
        }

        private mutating func digits() throws(Problem) {
            let start = position
            while let byte = next, (48...57).contains(byte) { position += 1 }
            guard position > start else { throw .form(at: position) }
        }

        private mutating func number() throws(Problem) -> String {
            let start = position
            _ = take(UInt8(ascii: "-"))
            if !take(UInt8(ascii: "0")) { try digits() }
            if take(UInt8(ascii: ".")) { try digits() }
            if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
                if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
                try digits()
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
    }
}
