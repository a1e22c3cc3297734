import MeshCA
import MeshCore
package import MeshKubernetesAPI
package import MeshTokens

/// Where the keys of an issuer of tokens come from.
package enum IssuerKeySource: Hashable, Sendable {
    /// The issuer's own configuration says. Source: OpenID Connect Discovery, section 4.
    case discovery
    case url(String)
    case file(String)
    /// The API server, at `/openid/v1/jwks`.
    case apiServer

    package enum Problem: Error, Hashable, CustomStringConvertible {
        case url(String)
        case configuration(String)
        case issuerDiffers(String)

        package var description: String {
            switch self {
            case .url(let url): "\"\(url)\" is no https URL; keys that come over http could be anybody's"
            case .configuration(let url): "\(url) names no jwks_uri"
            case .issuerDiffers(let found): "the configuration is of issuer \"\(found)\""
            }
        }
    }

    /// Gets a document of at most `KeySet.sizeLimit` bytes.
    package typealias Get = @Sendable (KeyURL) async throws -> [UInt8]

    /// - Parameters:
    ///   - get: for what is fetched over HTTP.
    ///   - client: for `.apiServer`.
    package func fetch(
        issuer: String, client: KubernetesClient?, get: @escaping Get
    ) -> IssuerKeys.Fetch {
        switch self {
        case .file(let path): return { try FileReading.bytes(path, limit: KeySet.sizeLimit).bytes }
        case .url(let url): return { try await get(Self.secure(url)) }
        case .apiServer:
            return {
                guard let client else { throw Problem.configuration("no API server") }
                return try await client.get(path: "/openid/v1/jwks")
            }
        case .discovery:
            return {
                let place = KeyDiscovery.place(of: issuer)
                guard let found = KeyDiscovery(try await get(Self.secure(place))) else {
                    throw Problem.configuration(place)
                }
                guard found.issuer == issuer else { throw Problem.issuerDiffers(found.issuer ?? "") }
                return try await get(Self.secure(found.keys))
            }
        }
    }

    /// What is wrong with it, before anything is fetched.
    package func problem(issuer: String) -> Problem? {
        do {
            switch self {
            case .url(let url): _ = try Self.secure(url)
            case .discovery: _ = try Self.secure(issuer)
            case .file, .apiServer: break
            }
            return nil
        } catch {
            return error
        }
    }

    private static func secure(_ text: String) throws(Problem) -> KeyURL {
        guard let url = KeyURL(text), url.isSecure else { throw .url(text) }
        return url
    }
}
