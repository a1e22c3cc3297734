/// Which of the two reactors of a worker one is. Decision 14 says why there are two.
enum Lane {
    /// Accepts, connects, and serves whatever is not bulk. `nil` when there is no second reactor.
    case requests(bulk: Mailbox?)
    /// Serves tunnels that proved bulky beside small requests, until they are calm.
    case bulk(requests: Mailbox)
}
