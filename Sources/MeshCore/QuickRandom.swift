/// Random numbers for choices and trace ids, which need to be spread evenly but not to be secret. One per reactor.
///
/// Shape: xoshiro256++ 1.0, seeded by the system. The system's own generator is a system call per number, three of them
/// for each connection. Not for keys, nonces or anything that a peer must not guess.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021.
public struct QuickRandom: RandomNumberGenerator, Sendable {
    @usableFromInline var state: (UInt64, UInt64, UInt64, UInt64)

    public init() {
        var system = SystemRandomNumberGenerator()
        // The state of only zeros would never leave it.
        self.init(system.next(), system.next(), system.next(), system.next() | 1)
    }

    public init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { state = (a, b, c, d) }

    @inlinable public mutating func next() -> UInt64 {
        func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
        let result = rotate(state.0 &+ state.3, 23) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }
}
