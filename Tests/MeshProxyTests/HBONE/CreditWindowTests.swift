import Testing

@testable import MeshProxy

@Suite("What a peer may send ahead")
struct CreditWindowTests {
    private static let first = CreditWindow.first

    @Test("doubles with what applications take, up to the setting")
    func grows() {
        var window = CreditWindow(most: 3 * Self.first)
        #expect(window.size == Self.first)
        #expect(!window.took(Self.first - 1))
        #expect(window.took(1))
        window.grow()
        #expect(window.size == 2 * Self.first && !window.took(Self.first))
        #expect(window.took(Self.first))
        window.grow()
        #expect(window.size == 3 * Self.first && !window.took(100 * Self.first))
    }

    @Test("keeps what was earned until it may grow")
    func waits() {
        var window = CreditWindow(most: 16 * Self.first)
        #expect(window.took(5 * Self.first) && window.took(1))
        window.grow()
        #expect(!window.took(1))
    }

    @Test("shrinks to what it was at first, no further")
    func shrinks() {
        var window = CreditWindow(most: 16 * Self.first)
        #expect(!window.shrink())
        window.grow()
        window.grow()
        #expect(window.shrink() && window.size == 2 * Self.first)
        #expect(window.shrink() && window.size == Self.first)
        #expect(!window.shrink())
        window.grow()
        window.grow()
        window.reset()
        #expect(window.size == Self.first)
    }

    @Test("is the setting where that is smaller")
    func small() {
        var window = CreditWindow(most: 65_535)
        #expect(window.size == 65_535 && !window.shrink() && !window.took(1 << 20))
        window.reset()
        #expect(window.size == 65_535)
    }
}
