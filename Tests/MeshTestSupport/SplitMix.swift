package import MeshCore

/// Deterministic randomness: a run is repeated by its seed.
///
/// Shape: SplitMix64. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
package struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number below `sides`.
    package mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(sides)) }

    package mutating func pick<T>(_ values: [T]) -> T { values[roll(values.count)] }
}

extension QuickRandom {
    package init(seed: UInt64) {
        var seeds = SplitMix(seed: seed)
        self.init(seeds.next(), seeds.next(), seeds.next(), seeds.next())
    }
}
