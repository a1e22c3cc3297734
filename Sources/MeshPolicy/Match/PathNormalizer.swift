package import MeshCore

/// Makes request targets comparable before routes and policies see them.
///
/// Source: Istio's `pathNormalization`, Envoy's path transformation. The result is also what goes upstream, so that
/// nobody behind the proxy sees another path than policies did. Cost: one pass and no allocation for
/// a path that has no escape, backslash, dot segment or double slash.
package enum PathNormalizer {
    package enum Outcome: Hashable, Sendable {
        case unchanged
        case changed([UInt8])
        /// Answered 400.
        case refused(Refusal)
    }

    package enum Refusal: Hashable, Sendable, CustomStringConvertible {
        case empty, notAbsolute, fragment, control(UInt8), encodedNUL

        package var description: String {
            switch self {
            case .empty: "the path is empty"
            case .notAbsolute: "the path does not begin with '/'"
            case .fragment: "the path has a fragment"
            case .control(let byte): "the path has the byte 0x\(String(byte, radix: 16))"
            case .encodedNUL: "the path has an encoded NUL (%00)"
            }
        }
    }

    /// - Parameter target: the path with its query, as received. `*` is taken only where `asterisk` says so (OPTIONS).
    package static func normalize(
        _ target: Span<UInt8>, _ option: PathNormalization, asterisk: Bool = false
    ) -> Outcome {
        guard !target.isEmpty else { return .refused(.empty) }
        if asterisk, target.count == 1, target[0] == UInt8(ascii: "*") { return .unchanged }
        guard target[0] == slash else { return .refused(.notAbsolute) }
        let merges = option == .mergeSlashes || option == .decodeAndMergeSlashes
        var queryStart = target.count
        var isPlain = true  // nothing to decode, to resolve or to merge
        for index in target.indices {
            switch target[index] {
            case UInt8(ascii: "#"): return .refused(.fragment)
            case ...0x20, 0x7F: return .refused(.control(target[index]))
            case UInt8(ascii: "?"): queryStart = min(queryStart, index)
            case UInt8(ascii: "%"), UInt8(ascii: "\\"): isPlain = isPlain && index > queryStart
            case UInt8(ascii: ".") where target[index - 1] == slash: isPlain = isPlain && index > queryStart
            case slash where merges && index > 0 && target[index - 1] == slash:
                isPlain = isPlain && index > queryStart
            default: break
            }
        }
        if option == .none || isPlain { return .unchanged }
        guard let decoded = decode(target.extracting(..<queryStart), slashes: option == .decodeAndMergeSlashes) else {
            return .refused(.encodedNUL)
        }
        var result = resolve(decoded, merge: merges)
        if result.count == queryStart, target.has(result.span, at: 0) { return .unchanged }
        for index in queryStart..<target.count { result.append(target[index]) }
        return .changed(result)
    }

    private static let slash = UInt8(ascii: "/")

    /// Decodes unreserved characters once, and turns backslashes; `nil` for an encoded NUL.
    private static func decode(_ path: Span<UInt8>, slashes: Bool) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        // Behind the last '%' that begins no escape. What is decoded right there could complete an escape that was
        // none, and somebody upstream would decode a second time.
        var safeFrom = 0
        var index = 0
        while index < path.count {
            let byte = path[index]
            guard byte == UInt8(ascii: "%") else {
                result.append(byte == UInt8(ascii: "\\") ? slash : byte)
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = hex(path[index + 1]), let low = hex(path[index + 2]) else {
                result.append(byte)
                index += 1
                safeFrom = result.count + 2
                continue
            }
            let value = high << 4 | low
            if value == 0 { return nil }
            if slashes, value == slash || value == UInt8(ascii: "\\") {
                result.append(slash)
            } else if isUnreserved(value), result.count >= safeFrom {
                result.append(value)
            } else {
                for offset in 0..<3 { result.append(path[index + offset]) }
            }
            index += 3
        }
        return result
    }

    /// Resolves `.` and `..`, and drops empty segments where asked.
    private static func resolve(_ path: [UInt8], merge: Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        // Where each segment kept so far begins, at its slash.
        var starts: [Int] = []
        var index = 0
        while index < path.count {
            var end = index + 1
            while end < path.count, path[end] != slash { end += 1 }
            let (length, isLast) = (end - index - 1, end == path.count)
            let isDot = length == 1 && path[index + 1] == UInt8(ascii: ".")
            let isUp = length == 2 && path[index + 1] == UInt8(ascii: ".") && path[index + 2] == UInt8(ascii: ".")
            if isDot || isUp {
                if isUp, let start = starts.popLast() { result.removeSubrange(start...) }
                if isLast { result.append(slash) }
            } else {
                starts.append(result.count)
                result += path[index..<end]
            }
            index = end
        }
        guard merge else { return result }
        // Only now: `/a//../b` goes up from the empty segment, as the reference does.
        var merged: [UInt8] = []
        merged.reserveCapacity(result.count)
        for byte in result where byte != slash || merged.last != slash { merged.append(byte) }
        return merged
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
