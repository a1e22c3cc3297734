/// What one client may cost, and how patient it is.
package struct ClientLimits: Sendable {
    /// From sending a call to the last byte of its answer.
    package var callTimeout: Duration = .seconds(30)
    package var connectTimeout: Duration = .seconds(10)
    /// Bytes of an answer. A page of 500 pods has about 10 MiB.
    package var answerBytes = 64 << 20
    /// Bytes of one object in a watch. The server keeps none above 2 MiB or so.
    package var eventBytes = 8 << 20
    /// Objects in one page of a list.
    package var pageSize = 500
    /// Objects of all pages together.
    package var listedObjects = 1_000_000
    /// How often a call is made that the server asks to make again.
    package var attempts = 5
    /// The longest wait that a server may ask for; what is above counts as this.
    package var longestRetryWait: Duration = .seconds(30)
    /// How long the server keeps a watch open. It sends a bookmark about once a minute.
    package var watchTimeout: ClosedRange<Int> = 240...480
    /// A watch that brings nothing, not even a bookmark, is on a connection that is no more: it is opened again.
    package var silence: Duration = .seconds(150)

    package init() {}
}

/// How long to wait before the next attempt after some that failed.
package struct Backoff: Sendable {
    package var first: Duration = .milliseconds(200)
    package var longest: Duration = .seconds(30)

    package init() {}

    package init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// Doubles with each failure; then between half and all of it, so that many do not come at once.
    package func delay(failures: Int) -> Duration {
        let doubled = first * (1 << min(max(failures - 1, 0), 20))
        return min(doubled, longest) * Double.random(in: 0.5...1)
    }
}
