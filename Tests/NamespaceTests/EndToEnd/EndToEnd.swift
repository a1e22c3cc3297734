import Testing

/// `meshctl` as its users run it: real processes in real namespaces, nothing of the product linked in.
@Suite(
    "meshctl end to end", .serialized,
    .enabled(if: Meshctl.isUsable, Comment(rawValue: Meshctl.whyUnusable ?? "usable")))
enum EndToEnd {
    static let clientID = "spiffe://cluster.local/ns/default/sa/client"
    static let serverID = "spiffe://cluster.local/ns/default/sa/server"
}
