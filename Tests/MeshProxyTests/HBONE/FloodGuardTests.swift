import Testing

@testable import MeshProxy

@Suite("Floods of cheap frames")
struct FloodGuardTests {
    static let limits: [(FloodGuard.Frame, Int)] = [
        (.reset, FloodGuard.maxResets), (.ping, FloodGuard.maxPings), (.settings, FloodGuard.maxSettings),
        (.emptyData, FloodGuard.maxEmptyData), (.refusal, FloodGuard.maxRefusals),
        (.priority, FloodGuard.maxPriorities), (.windowUpdate, FloodGuard.maxWindowUpdates),
    ]

    @Test("are borne up to the limit and end the tunnel beyond it", arguments: limits)
    func limit(frame: FloodGuard.Frame, most: Int) {
        var guardian = FloodGuard(now: 0)
        for _ in 0..<most { #expect(guardian.count(frame, now: 1) == nil) }
        #expect(guardian.count(frame, now: 1) != nil)
    }

    @Test("do not include the WINDOW_UPDATE frames that our own bytes ask for")
    func windowUpdates() {
        var guardian = FloodGuard(now: 0)
        for _ in 0..<FloodGuard.maxWindowUpdates * 2 {
            guardian.sent(FloodGuard.windowUpdateBytes)
            #expect(guardian.count(.windowUpdate, now: 1) == nil)
        }
    }

    @Test("are counted per window, so a long quiet life is never punished", arguments: limits)
    func window(frame: FloodGuard.Frame, most: Int) {
        var guardian = FloodGuard(now: 0)
        for window in 1...5 {
            for _ in 0..<most {
                #expect(guardian.count(frame, now: UInt64(window) * (FloodGuard.window + 1)) == nil)
            }
        }
    }
}
