package import MeshCore
import MeshPolicy

/// An HTTP request as a client sends it.
package struct FlowRequest: Sendable {
    package var method = "GET"
    /// The request target as it is sent: a path with its query, before normalisation, or an absolute address.
    package var path = "/"
    /// `nil`: the name of the service, with its port unless that is 80.
    package var host: String?
    package var headers: [(name: String, value: String)] = []
    /// A token, which is put where the policies look for one. Those in `headers` count as well.
    package var token: String?
    /// Claims of a token that comes along and is taken to be valid; instead of one.
    package var claims: [String: ClaimValue]?
    package init() {}

    var isGRPC: Bool {
        guard let type = headers.first(where: { $0.name.lowercased() == "content-type" }) else { return false }
        return LocalAnswer.isGRPC(contentType: type.value.utf8Span.span)
    }
}
