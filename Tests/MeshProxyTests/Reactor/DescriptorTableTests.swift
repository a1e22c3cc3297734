import Testing

@testable import MeshProxy

@Suite("The table of descriptors")
struct DescriptorTableTests {
    private final class Thing {}

    @Test("forgets an event for a descriptor that was closed and given out again")
    func staleToken() {
        var table = DescriptorTable()
        let old = table.occupy(7, .stream, Thing())
        table.vacate(7)?.release()
        #expect(table.find(old).occupant == .nobody)
        let new = table.occupy(7, .tunnel, Thing())
        #expect(old != new)
        #expect(table.find(old).occupant == .nobody)
        #expect(table.find(new).occupant == .tunnel)
    }

    @Test("grows to any descriptor and keeps what it had")
    func growth() {
        var table = DescriptorTable()
        let low = table.occupy(3, .listener, Thing())
        let high = table.occupy(100_000, .relay, Thing())
        #expect(table.find(low).occupant == .listener)
        #expect(table.find(high).occupant == .relay)
        #expect(table.find(UInt64(UInt32(5_000_000))).occupant == .nobody)
    }

    @Test("keeps its objects alive until they are dismissed")
    func retention() {
        var table = DescriptorTable()
        weak var thing: Thing?
        do {
            let made = Thing()
            thing = made
            _ = table.occupy(4, .stream, made)
        }
        #expect(thing != nil)
        table.vacate(4)?.release()
        #expect(thing == nil)
    }
}
