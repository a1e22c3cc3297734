import MeshCore
import MeshPolicy

/// Judges connections that match and ones that do not, and prints what a verdict costs.
@main
struct Main {
    static let verdicts = 20_000
    /// The clock is read once per so many, since reading it costs as much as a verdict.
    static let batch = 20

    static func main() {
        print(pad("shape", 42) + pad("policies", 10) + pad("p50 ns", 9) + pad("p99 ns", 9) + "compile ms")
        for shape in Shape.all {
            for count in [10, 1000, 10_000] {
                let policies = shape.policies(count)
                let start = ContinuousClock.now
                let engine = PolicyEngine(policies)
                let compile = ContinuousClock.now - start
                let facts = facts(count)
                show(shape.name, count, compile, measure { engine.decide(facts[$0 % facts.count]).verdict.isAllowed })
            }
        }
        for shape in RequestShape.all {
            for count in [10, 1000, 10_000] {
                let start = ContinuousClock.now
                let set = shape.policies(count)
                let compile = ContinuousClock.now - start
                let facts = shape.facts(count)
                precondition(set.decide(facts).verdict.isAllowed, "\(shape.name) does not match")
                show("layer 7, " + shape.name, count, compile, measure { _ in set.decide(facts).verdict.isAllowed })
            }
        }
    }

    private static func show(_ name: String, _ count: Int, _ compile: Duration, _ costs: [Int]) {
        print(
            pad(name, 42) + pad("\(count)", 10) + pad("\(costs[costs.count / 2])", 9)
                + pad("\(costs[costs.count * 99 / 100])", 9) + "\(Int(compile / .milliseconds(1)))")
    }

    /// Peers of every second policy, strangers, and plaintext.
    private static func facts(_ count: Int) -> [PolicyFacts] {
        (0..<512).map { number in
            let namespace = number % 2 == 0 ? "n\(number * 37 % count)" : "nowhere"
            let peer = try? SPIFFEID(parsing: "spiffe://cluster.local/ns/\(namespace)/sa/app")
            let source = IPAddress(v4: UInt32(10) << 24 | UInt32(number * 7919 % 65536) << 4)
            return PolicyFacts(
                source: source, destination: SocketAddress(IPAddress(v4: 0x0A01_0203), 80),
                peer: number % 8 == 7 ? nil : peer.map { PeerIdentity($0) })
        }
    }

    private static func measure(_ isAllowed: (Int) -> Bool) -> [Int] {
        var costs: [Int] = []
        var allowed = 0
        for round in 0..<verdicts / batch {
            let start = ContinuousClock.now
            for step in 0..<batch where isAllowed(round * batch + step) { allowed += 1 }
            costs.append(Int((ContinuousClock.now - start) / .nanoseconds(1)) / batch)
        }
        // Used, so that no verdict can be left out.
        if allowed > verdicts { print("impossible") }
        return costs.sorted()
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
