import MeshCore
import MeshTestSupport

extension SplitMix {
    /// A few edits: flip, replace, insert, delete, cut, double, or a byte that parsers look for.
    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        let telling = Array(":;,=\"\\[]./- 09azf\0\u{7f}\r\n".utf8) + [0x80, 0xff]
        var bytes = bytes
        for _ in 0...roll(4) {
            let index = bytes.isEmpty ? 0 : roll(bytes.count)
            switch roll(7) {
            case 0 where !bytes.isEmpty: bytes[index] ^= 1 << UInt8(roll(8))
            case 1 where !bytes.isEmpty: bytes[index] = telling[roll(telling.count)]
            case 2: bytes.insert(telling[roll(telling.count)], at: index)
            case 3 where !bytes.isEmpty: bytes.remove(at: index)
            case 4: bytes = Array(bytes[..<index])
            case 5: bytes.insert(contentsOf: bytes[index...].prefix(roll(32)), at: index)
            default: bytes.insert(UInt8(roll(256)), at: index)
            }
        }
        return bytes
    }
}

@main
enum Main {
    /// `fuzz <iterations, or seconds as 10s> <seed> [target]`
    static func main() {
        let arguments = CommandLine.arguments
        let amount = arguments.count > 1 ? arguments[1] : "100000"
        let seconds = amount.hasSuffix("s") ? Int(amount.dropLast()) : nil
        guard let iterations = seconds.map({ _ in Int.max }) ?? Int(amount) else {
            fatalError("\"\(amount)\" is no number of iterations, nor of seconds as 10s")
        }
        let seed = arguments.count > 2 ? UInt64(arguments[2]) ?? 0 : 1
        let wanted = arguments.count > 3 ? arguments[3] : nil
        let targets = Target.all.filter { wanted == nil || wanted == $0.name }
        guard !targets.isEmpty else { fatalError("no target is called \(wanted ?? "")") }
        for target in targets {
            var dice = SplitMix(seed: seed)
            var pool = target.seeds.map { Array($0.utf8) } + target.byteSeeds
            let end = seconds.map { ContinuousClock.now + .seconds($0) }
            var round = 0
            while round < iterations {
                if let end, round % 64 == 0, ContinuousClock.now >= end { break }
                defer { round += 1 }
                let bytes = dice.mutate(pool[dice.roll(pool.count)])
                if let finding = target.check(bytes) {
                    fatalError("\(target.name), seed \(seed), round \(round), bytes \(bytes): \(finding)")
                }
                // Edits pile up, on inputs that stay short.
                if bytes.count < 400, dice.roll(50) == 0 {
                    if pool.count < 200 { pool.append(bytes) } else { pool[dice.roll(pool.count)] = bytes }
                }
            }
            print("\(target.name): \(round) inputs, seed \(seed)")
        }
    }
}
