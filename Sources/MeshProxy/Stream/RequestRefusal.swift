/// Why a request of ours was certainly not processed. It is sent once more then, on another tunnel.
///
/// Raw values are those of `retried_after` in the access log, and of explanations.
package enum RequestRefusal: String, Sendable, CaseIterable {
    case reset = "REFUSED_STREAM"
    case goaway = "GOAWAY"
    /// The tunnel has no stream numbers left.
    case unsent = "tunnel used up"
}
