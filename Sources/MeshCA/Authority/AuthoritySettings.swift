package import MeshCore

/// `authority.yaml`: what an authority's folder says about itself. One key, `trustDomain`.
package struct AuthoritySettings: Sendable {
    package let trustDomain: TrustDomain

    init(trustDomain: TrustDomain) { self.trustDomain = trustDomain }

    /// - Throws: `YAMLProblem`.
    init(parsing text: String, file: String) throws(YAMLProblem) {
        let top = try YAMLValue(parsing: text, file: file)
        guard let value = try top.mapping(known: ["trustDomain"])["trustDomain"] else {
            throw top.problem("trustDomain is missing")
        }
        do {
            trustDomain = try TrustDomain(parsing: try value.text())
        } catch let error as YAMLProblem {
            throw error
        } catch {
            throw value.problem("\(error)")
        }
    }

    var text: String { "trustDomain: \"\(trustDomain)\"\n" }
}
