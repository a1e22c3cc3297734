import Testing

@testable import MeshProxy

@Suite("What a peer may send ahead")
struct CreditWindowTests {
    private static let first = CreditWindow.first

    @Test("doubles with what applications take, up to the setting")
    func grows() {
        var window = CreditWindow(most: 3 * Self.first)
        #expect(window.size == Self.first)
        #expect(window.took(Self.first - 1) == false)
        #expect(window.took(1) == true)
        window.grow()
        #expect(window.size == 2 * Self.first)
        #expect(window.took(Self.first) == false)
        #expect(window.took(Self.first) == true)
        window.grow()
        #expect(window.size == 3 * Self.first)
        #expect(window.took(100 * Self.first) == false)
    }

    @Test("keeps what was earned until it may grow")
    func waits() {
        var window = CreditWindow(most: 16 * Self.first)
        #expect(window.took(5 * Self.first) == true)
        #expect(window.took(1) == true)
        window.grow()
        #expect(window.took(1) == false)
    }

    @Test("shrinks to what it was at first, no further")
    func shrinks() {
        var window = CreditWindow(most: 16 * Self.first)
        window.shrink()
        #expect(window.size == Self.first)
        window.grow()
        window.grow()
        window.shrink()
        #expect(window.size == 2 * Self.first)
        window.shrink()
        window.shrink()
        #expect(window.size == Self.first)
        window.grow()
        window.grow()
        window.reset()
        #expect(window.size == Self.first)
    }

    @Test("is the setting where that is smaller")
    func small() {
        var window = CreditWindow(most: 65_535)
        window.shrink()
        #expect(window.size == 65_535)
        #expect(window.took(1 << 20) == false)
        window.reset()
        #expect(window.size == 65_535)
    }
}
