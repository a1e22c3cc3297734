/// What a text may cost before it is refused.
package struct YAMLLimits: Sendable {
    /// Longest input, in bytes. Default 256 MiB; never more than 1 GiB, which 32-bit offsets bear.
    package var bytes = 256 << 20
    /// Nesting, aliases unfolded. Default 100.
    package var depth = 100
    /// Values held at once: those of one document, or of one element in streaming. Default 8 million, 200 MB.
    package var nodes = 8_000_000
    /// Values that the aliases of one document stand for, all told. Default 1 million.
    package var unfolded = 1_000_000

    package init() {}
}
