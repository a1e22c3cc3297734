import ArgumentParser
import Glibc
import MeshCore
import MeshKeyFetch
import MeshKubernetes
import MeshPolicyCheck
import MeshTokens

/// What tokens are verified by.
struct TokenArguments: ParsableArguments {
    @Option(help: "Key set (JWKS) for rules with jwksUri or with none, as file or issuer=file. Repeat.")
    var jwks: [String] = []

    @Flag(help: "Fetch other keys from where the policies say, as a waypoint would.")
    var fetchKeys = false

    @Option(help: "PEM file with the roots that servers of keys are verified by. Default: those of the system.")
    var keyRoots: String?

    @Option(
        help:
            "Block of addresses that keys may be fetched from although it is loopback, link-local or metadata. Repeat.")
    var allowKeyAddress: [String] = []

    @Option(help: "Time at which tokens are judged, as 2026-08-01T12:00:00Z or seconds since 1970. Default: now.")
    var now: String?

    /// - Parameter defaults: what a file of tests says, for what the flags do not.
    func settings(
        _ policies: [RequestAuthentication], defaults: (now: String?, jwks: [String]) = (nil, []), doing: String
    ) async throws -> TokenSettings {
        var settings = TokenSettings()
        settings.now = try (now ?? defaults.now).map { try TokenSettings.time($0, doing: doing) } ?? Int64(time(nil))
        try settings.readKeys(jwks, for: policies, doing: doing)
        try settings.readKeys(defaults.jwks, for: policies, doing: doing)
        guard fetchKeys else {
            guard keyRoots == nil, allowKeyAddress.isEmpty else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "--key-roots and --allow-key-address are for --fetch-keys; add it")
            }
            return settings
        }
        let allowed = try allowKeyAddress.map { text in
            guard let block = CIDR(text) else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "--allow-key-address: \"\(text)\" is no address or block")
            }
            return block
        }
        let roots = try keyRoots.map { try ManifestFiles.bytes($0, limit: 1 << 20, doing: doing) }
        let store = KeyStore(allowed: allowed, fetch: try KeyFetcher(roots: roots).fetch)
        await settings.fetchKeys(for: policies, from: store)
        return settings
    }
}
