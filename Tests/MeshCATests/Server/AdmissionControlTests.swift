import Testing

@testable import MeshCA

@Suite("Admission of requests")
struct AdmissionControlTests {
    func control(_ change: (inout AdmissionControl.Limits) -> Void = { _ in }) -> AdmissionControl {
        var limits = AdmissionControl.Limits()
        change(&limits)
        return AdmissionControl(limits)
    }

    @Test("has room for so many at once, and again when one leaves")
    func inFlight() {
        let admission = control { $0.inFlight = 2 }
        #expect([admission.enter(), admission.enter(), admission.enter()] == [true, true, false])
        #expect(admission.current == 2)
        admission.leave()
        #expect(admission.enter())
    }

    @Test("lets each caller save up a burst and then go on at its rate, whatever others do")
    func rate() {
        let admission = control { ($0.rate, $0.burst) = (2, 3) }
        let admitted = { (key: String, time: Duration) in admission.admits(key, now: time) }
        #expect((0..<4).map { _ in admitted("a", .seconds(10)) } == [true, true, true, false])
        #expect(admitted("b", .seconds(10)))
        #expect(!admitted("a", .seconds(10) + .milliseconds(499)))
        #expect(admitted("a", .seconds(11)))
        #expect((0..<4).map { _ in admitted("a", .seconds(1000)) } == [true, true, true, false])
        // A clock that is set back neither fills nor empties.
        #expect(!admitted("a", .seconds(5)))
    }

    @Test("forgets callers who have everything saved up, and lets no flood of names grow it")
    func bounded() {
        let admission = control { ($0.rate, $0.burst) = (1, 1) }
        for number in 0..<20_000 { _ = admission.admits("caller \(number)", now: .seconds(1)) }
        // Those beyond the limit share one rate.
        #expect(!admission.admits("another", now: .seconds(1)))
        #expect(admission.admits("another", now: .seconds(10)))
    }

    @Test("reports what it shed now and then, with how many there were")
    func reports() {
        let admission = control()
        #expect((0..<3).map { _ in admission.shed(now: .seconds(1)) } == [1, nil, nil])
        #expect(admission.shed(now: .seconds(11)) == 3)
    }

    @Test("names every limit that makes no sense")
    func problems() {
        var limits = AdmissionControl.Limits()
        #expect(limits.problems().isEmpty)
        (limits.inFlight, limits.rate, limits.burst, limits.connections) = (0, .nan, 0, 0)
        #expect(limits.problems().count == 4)
    }
}
