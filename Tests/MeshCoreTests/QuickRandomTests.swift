import MeshCore
import Testing

@Suite("Random numbers for choices")
struct QuickRandomTests {
    /// Source: the reference implementation's first outputs for the state 1, 2, 3, 4.
    @Test("are those of xoshiro256++")
    func vector() {
        var random = QuickRandom(1, 2, 3, 4)
        let expected: [UInt64] = [
            41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205,
            9_973_669_472_204_895_162, 14_011_001_112_246_962_877, 12_406_186_145_184_390_807,
        ]
        #expect(expected.map { _ in random.next() } == expected)
    }

    @Test("differ from one reactor to the next")
    func seeds() {
        var (a, b) = (QuickRandom(), QuickRandom())
        #expect((0..<4).map { _ in a.next() } != (0..<4).map { _ in b.next() })
    }
}
