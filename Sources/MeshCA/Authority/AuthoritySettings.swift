package import MeshCore

/// `authority.yaml`: what an authority's folder says about itself.
///
/// Shape: `trustDomain`, and perhaps `trustDomainAliases`, a list of earlier or other names of that domain. Aliases widen
/// whom the authority recognises, never what it issues.
package struct AuthoritySettings: Sendable {
    package let trustDomain: TrustDomain
    package let aliases: [TrustDomain]

    init(trustDomain: TrustDomain, aliases: [TrustDomain] = []) {
        self.trustDomain = trustDomain
        self.aliases = aliases
    }

    /// - Throws: `YAMLProblem`.
    init(parsing text: String, file: String) throws(YAMLProblem) {
        let top = try YAMLValue(parsing: text, file: file)
        let values = try top.mapping(known: ["trustDomain", "trustDomainAliases"])
        guard let value = values["trustDomain"] else { throw top.problem("trustDomain is missing") }
        trustDomain = try Self.domain(value)
        var aliases: [TrustDomain] = []
        for value in try values["trustDomainAliases"]?.list() ?? [] {
            let alias = try Self.domain(value)
            if alias != trustDomain, !aliases.contains(alias) { aliases.append(alias) }
        }
        self.aliases = aliases
    }

    private static func domain(_ value: YAMLValue) throws(YAMLProblem) -> TrustDomain {
        do {
            return try TrustDomain(parsing: try value.text())
        } catch let error as YAMLProblem {
            throw error
        } catch {
            throw value.problem("\(error)")
        }
    }

    var text: String {
        let names = aliases.map { "\n  - \"\($0)\"" }.joined()
        return "trustDomain: \"\(trustDomain)\"\n" + (aliases.isEmpty ? "" : "trustDomainAliases:\(names)\n")
    }
}
