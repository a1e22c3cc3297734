import Glibc
import MeshCore
import MeshLinux
import Synchronization
import Testing

@testable import MeshProxy

/// A clock that a test moves.
private final class Clock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)
    func advance(seconds: UInt64) { nanoseconds.add(seconds * 1_000_000_000, ordering: .sequentiallyConsistent) }
    @Sendable func now() -> UInt64 { nanoseconds.load(ordering: .sequentiallyConsistent) }
}

/// A door that look-ups wait at.
private final class Gate: Sendable {
    private let ends: (read: Int32, write: Int32)
    let inside = Atomic<Int>(0)
    let most = Atomic<Int>(0)

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        keepFromPrograms(ends[0], ends[1])
        self.ends = (ends[0], ends[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func pass() {
        let now = inside.add(1, ordering: .sequentiallyConsistent).newValue
        most.max(now, ordering: .sequentiallyConsistent)
        var byte: UInt8 = 0
        _ = read(ends.read, &byte, 1)
        inside.subtract(1, ordering: .sequentiallyConsistent)
    }

    func open(_ count: Int) { _ = write(ends.write, [UInt8](repeating: 0, count: count), count) }
}

@Suite("Look-ups of hostnames")
struct HostResolverTests {
    private static let source = Workload.peer("client", "web", "front")
    private static let address = IPAddress(v4: 0x0a00_0001)

    /// The answers that come to a mailbox, by token, once there are `count` of them.
    private func answers(_ mailbox: Mailbox, _ count: Int) throws -> [UInt64: HostAnswer] {
        var found: [UInt64: HostAnswer] = [:]
        while found.count < count {
            var poll = pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(Glibc.poll(&poll, 1, 10_000) == 1, "\(found.count) of \(count) answers")
            for case .resolved(let token, let answer) in mailbox.collect() { found[token] = answer }
        }
        return found
    }

    @Test("43: a second use is served from memory, and counted all the same")
    func cache() throws {
        let lookups = Count()
        let resolver = HostResolver { _ in
            lookups.add(1)
            return .success([Self.address])
        }
        let mailbox = try Mailbox()
        #expect(resolver.use("a.example", by: Self.source) == nil)
        #expect(resolver.ask("a.example", mailbox, 7) == nil)
        #expect(try answers(mailbox, 1) == [7: .success([Self.address])])
        #expect(resolver.use("a.example", by: Self.source) == .success([Self.address]))
        #expect(lookups.now == 1)
        let labels =
            #"source_workload="client-deployment",source_canonical_service="client-app","#
            + #"source_canonical_revision="unknown",source_workload_namespace="web","#
            + #"source_principal="spiffe://cluster.local/ns/web/sa/front",source_app="client-app","#
            + #"source_version="unknown",source_cluster="unknown",hostname="a.example""#
        let text = resolver.metricsText()
        #expect(text.contains("istio_on_demand_dns_total{\(labels)} 2\n"), "\(text)")
        #expect(text.contains("# TYPE istio_on_demand_dns counter\n"))
    }

    @Test("hostnames beyond the limit are counted without their name, known ones go on")
    func seriesLimit() {
        let resolver = HostResolver { _ in .failure(.noAddress) }
        for number in 0..<HostResolver.seriesLimit + 3 { _ = resolver.use("h\(number).example", by: Self.source) }
        _ = resolver.use("h0.example", by: Self.source)
        let samples = resolver.metricsText().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(samples.count == HostResolver.seriesLimit + 1)
        #expect(samples.filter { $0.hasSuffix("hostname=\"unknown\"} 3") }.count == 1)
        #expect(samples.filter { $0.hasSuffix("hostname=\"h0.example\"} 2") }.count == 1)
    }

    @Test("nothing is shown while nothing was used")
    func noMetrics() { #expect(HostResolver { _ in .failure(.noAddress) }.metricsText().isEmpty) }

    @Test("an address is asked for again after its time, a failure much sooner")
    func lifetimes() throws {
        let (clock, lookups) = (Clock(), Count())
        let resolver = HostResolver(clock: clock.now) { host in
            lookups.add(1)
            return host == "good" ? .success([Self.address]) : .failure(.failed("server failure"))
        }
        let mailbox = try Mailbox()
        for host in ["good", "bad"] {
            #expect(resolver.ask(host, mailbox, 1) == nil)
            _ = try answers(mailbox, 1)
        }
        clock.advance(seconds: 1)
        #expect(resolver.use("bad", by: Self.source) == .failure(.failed("server failure")))
        clock.advance(seconds: 2)
        #expect(resolver.use("bad", by: Self.source) == nil)
        #expect(resolver.use("good", by: Self.source) == .success([Self.address]))
        clock.advance(seconds: 28)
        #expect(resolver.use("good", by: Self.source) == nil)
        #expect(lookups.now == 2)
    }

    @Test("who asks for the same name waits for the same look-up, whichever reactor it is")
    func shared() throws {
        let (gate, lookups) = (try Gate(), Count())
        let resolver = HostResolver { _ in
            lookups.add(1)
            gate.pass()
            return .success([Self.address])
        }
        let (one, two) = (try Mailbox(), try Mailbox())
        for token in 1...3 { #expect(resolver.ask("a.example", one, UInt64(token)) == nil) }
        #expect(resolver.ask("a.example", two, 9) == nil)
        gate.open(1)
        #expect(try answers(one, 3).keys.sorted() == [1, 2, 3])
        #expect(try answers(two, 1).keys.sorted() == [9])
        #expect(lookups.now == 1)
    }

    @Test("few look-ups run at a time, and all come to their turn")
    func threads() throws {
        let gate = try Gate()
        let resolver = HostResolver { _ in
            gate.pass()
            return .success([Self.address])
        }
        let mailbox = try Mailbox()
        for index in 0..<50 { #expect(resolver.ask("h\(index)", mailbox, UInt64(index)) == nil) }
        gate.open(50)
        #expect(try answers(mailbox, 50).count == 50)
        #expect(gate.most.load(ordering: .sequentiallyConsistent) <= HostResolver.threadLimit)
    }

    @Test("names and waiters are bounded")
    func bounds() throws {
        let gate = try Gate()
        let resolver = HostResolver { _ in
            gate.pass()
            return .failure(.noAddress)
        }
        let mailbox = try Mailbox()
        for index in 0..<HostResolver.hostLimit { #expect(resolver.ask("h\(index)", mailbox, UInt64(index)) == nil) }
        #expect(resolver.ask("one-more", mailbox, 0) == .tooMany)
        for index in HostResolver.hostLimit..<HostResolver.waiterLimit {
            #expect(resolver.ask("h0", mailbox, UInt64(index)) == nil)
        }
        #expect(resolver.ask("h0", mailbox, 0) == .tooMany)
        gate.open(HostResolver.hostLimit)
        #expect(try answers(mailbox, HostResolver.waiterLimit).count == HostResolver.waiterLimit)
        // There is room again.
        #expect(resolver.ask("later", mailbox, 1) == nil)
        gate.open(1)
        _ = try answers(mailbox, 1)
    }

    @Test("what waited too long for a thread is not looked up any more")
    func late() throws {
        let (gate, clock, lookups) = (try Gate(), Clock(), Count())
        let resolver = HostResolver(clock: clock.now) { _ in
            lookups.add(1)
            gate.pass()
            return .success([Self.address])
        }
        let mailbox = try Mailbox()
        for index in 0..<HostResolver.threadLimit { #expect(resolver.ask("h\(index)", mailbox, UInt64(index)) == nil) }
        while lookups.now < HostResolver.threadLimit { sched_yield() }
        #expect(resolver.ask("queued", mailbox, 99) == nil)
        clock.advance(seconds: 11)
        gate.open(HostResolver.threadLimit)
        #expect(try answers(mailbox, HostResolver.threadLimit + 1)[99] == .failure(.timedOut(seconds: 10)))
        #expect(lookups.now == HostResolver.threadLimit)
    }

    @Test("memory is bounded")
    func memory() throws {
        let resolver = HostResolver { _ in .success([Self.address]) }
        let mailbox = try Mailbox()
        let count = HostResolver.cacheLimit + 100
        for index in 0..<count {
            #expect(resolver.ask("h\(index)", mailbox, UInt64(index)) == nil)
            _ = try answers(mailbox, 1)
        }
        let held = (0..<count).count { index in
            if case .success? = resolver.use("h\(index)", by: Self.source) { true } else { false }
        }
        #expect(held == HostResolver.cacheLimit)
    }
}
