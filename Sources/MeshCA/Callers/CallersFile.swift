import MeshCore

/// One reading of a callers file and of the token files that it names.
///
/// Shape, every key but `callers` and `name` optional:
/// ```
/// renewal: true
/// callers:
///   - name: node-1
///     tokenFile: tokens/node-1
///     identity: spiffe://cluster.local/ns/istio-system/sa/ztunnel
///     identities: ["spiffe://cluster.local/ns/shop/sa/cart", "spiffe://cluster.local/ns/web/sa/*"]
///     node: node-1
/// ```
/// A caller is proved by its token or by a client certificate of its identity, either one alone. With a node it may ask
/// for the identities of the pods there as well. Paths are relative to the folder of the file. Source: our own format.
struct CallersFile: Sendable {
    /// The problem names file, line and key.
    let result: Result<Callers, YAMLProblem>
    /// Every file that was looked for, as it was then.
    private let stamps: [String: FileStamp?]

    /// - Parameter knowsNodes: whether something says which pods are on a caller's node.
    init(path: String, trustDomain: TrustDomain, knowsNodes: Bool) {
        var reader = Reader(path: path, trustDomain: trustDomain, knowsNodes: knowsNodes)
        result = Result { () throws(YAMLProblem) in try reader.read() }
        stamps = reader.stamps
    }

    /// Whether one of the files was changed, replaced, removed or added since. Cost: one stat(2) for each.
    var isStale: Bool { stamps.contains { path, stamp in FileStamp(path: path) != stamp } }
}

private struct Reader {
    let path: String
    let trustDomain: TrustDomain
    let knowsNodes: Bool
    var stamps: [String: FileStamp?] = [:]

    mutating func read() throws(YAMLProblem) -> Callers {
        let file = path
        let content = try text(file) { YAMLProblem(file: file, line: nil, reason: $0) }
        let top = try YAMLValue(parsing: content, file: file)
        let values = try top.mapping(known: ["renewal", "callers"])
        guard let list = values["callers"] else { throw top.problem("callers is missing") }
        var callers: [Caller] = []
        for value in try list.list() { callers.append(try caller(value, others: callers)) }
        return Callers(list: callers, renewal: try values["renewal"]?.flag() ?? true)
    }

    private mutating func caller(_ value: YAMLValue, others: [Caller]) throws(YAMLProblem) -> Caller {
        let values = try value.mapping(known: ["name", "tokenFile", "identity", "identities", "node"])
        guard let name = try values["name"]?.text() else { throw value.problem("name is missing") }
        guard !others.contains(where: { $0.name == name }) else { throw value.problem("name \"\(name)\" is taken") }
        guard values["tokenFile"] != nil || values["identity"] != nil else {
            throw value.problem("needs a tokenFile, an identity or both: nothing could prove this caller")
        }
        let token = try values["tokenFile"].map { file throws(YAMLProblem) in try digest(file) }
        if let token, let other = others.first(where: { $0.token?.matches(token) == true }) {
            throw value.problem("has the same token as \"\(other.name)\"")
        }
        let identity = try values["identity"].map { value throws(YAMLProblem) in try own(value) }
        if let identity, let other = others.first(where: { $0.identity == identity }) {
            throw value.problem("has the same identity as \"\(other.name)\"")
        }
        let allowed = try identities(values["identities"])
        let node = try values["node"].map { value throws(YAMLProblem) in try self.node(value) }
        return Caller(name: name, token: token, identity: identity, allowed: allowed, node: node)
    }

    private func node(_ value: YAMLValue) throws(YAMLProblem) -> String {
        guard knowsNodes else { throw value.problem("a node needs an inventory of pods, and there is none") }
        return try value.text()
    }

    private mutating func digest(_ value: YAMLValue) throws(YAMLProblem) -> TokenDigest {
        let name = try value.text()
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let content = try text(name.hasPrefix("/") ? name : folder + name) { value.problem($0) }
        do {
            return TokenDigest(of: try TokenFile.token(of: content))
        } catch {
            throw value.problem("\(name): \(error)")
        }
    }

    private func own(_ value: YAMLValue) throws(YAMLProblem) -> SPIFFEID {
        let text = try value.text()
        do {
            return try checked(SPIFFEID(parsing: text), value)
        } catch {
            throw error as? YAMLProblem ?? value.problem("\(error)")
        }
    }

    private func identities(_ value: YAMLValue?) throws(YAMLProblem) -> AllowedIdentities {
        var entries: [AllowedIdentities.Entry] = []
        for item in try value?.list() ?? [] {
            let text = try item.text()
            do {
                let entry = try AllowedIdentities.Entry(parsing: text)
                _ = try checked(entry.id, item)
                entries.append(entry)
            } catch {
                throw error as? YAMLProblem ?? item.problem("\(error)")
            }
        }
        return AllowedIdentities(entries)
    }

    private func checked(_ id: SPIFFEID, _ value: YAMLValue) throws(YAMLProblem) -> SPIFFEID {
        guard id.trustDomain == trustDomain else {
            throw value.problem(
                "trust domain \"\(id.trustDomain)\" is not \"\(trustDomain)\", for which this authority signs")
        }
        return id
    }

    private mutating func text(
        _ path: String, problem: (String) -> YAMLProblem
    ) throws(YAMLProblem) -> String {
        stamps[path] = FileStamp(path: path)
        do {
            let (bytes, stamp) = try FileReading.bytes(path)
            stamps[path] = stamp
            guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError.notText(path: path) }
            return text
        } catch {
            throw problem("\(error)")
        }
    }
}
