import FoundationEssentials
package import MeshCore
package import MeshState
import Yams

/// Workloads, services and policies of a file.
///
/// Shape: YAML or JSON with the lists `workloads`, `services` and `policies`; spec of the node proxy, section 3.
/// Unknown keys are refused.
package struct LocalConfig: Sendable {
    /// What a workload gets that does not say it.
    package struct Defaults: Sendable {
        /// Default "cluster.local". The service account is "default".
        ///
        /// Deviation: upstream leaves both empty, and such a workload has an identity that nobody can prove.
        package var trustDomain = "cluster.local"
        package init() {}
    }

    /// Longest file that is read, in bytes.
    package static let byteLimit = 256 << 20

    package private(set) var workloads: [Workload] = []
    package private(set) var services: [Service] = []
    package private(set) var policies: [AuthorizationPolicy] = []

    /// The store with these records and no others.
    package func store(localNode: String?) -> MeshStore {
        var store = MeshStore(localNode: localNode)
        _ = store.apply(workloads.map { .workload($0) })
        _ = store.apply(policies.map { .policy($0) })
        _ = store.apply(services.map { .service($0) })
        return store
    }

    /// - Throws: `.notFound` when the file cannot be read, `.corrupt` with every problem in it, a line each.
    package static func load(file path: String, defaults: Defaults = Defaults()) throws(MeshFailure) -> LocalConfig {
        let doing = "read local configuration \(path)"
        let data: Data
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            if let size = attributes[.size] as? Int, size > byteLimit { throw tooLong(doing, size) }
            data = try Data(contentsOf: URL(filePath: path))
        } catch let failure as MeshFailure {
            throw failure
        } catch {
            let why = FileManager.default.fileExists(atPath: path) ? "it cannot be read" : "no such file"
            throw MeshFailure(.notFound, doing: doing, reason: why)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw MeshFailure(.corrupt, doing: doing, reason: "it is not UTF-8 text")
        }
        return try parse(text, name: path, defaults: defaults)
    }

    /// - Parameter name: stands for the file in messages.
    /// - Throws: `.corrupt` with every problem, a line each as `name:line: path: what is wrong`.
    package static func parse(
        _ text: String, name: String, defaults: Defaults = Defaults()
    ) throws(MeshFailure) -> LocalConfig {
        let doing = "read local configuration \(name)"
        guard text.utf8.count <= byteLimit else { throw tooLong(doing, text.utf8.count) }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw MeshFailure(.corrupt, doing: doing, reason: describe(error, name: name))
        }
        var config = LocalConfig()
        guard let root else { return config }
        var reader = ConfigReader(file: name, textBytes: text.utf8.count)
        config.read(root, &reader, defaults)
        if reader.problemCount > 0 {
            let more = reader.problemCount - reader.problems.count
            let lines = reader.problems + (more > 0 ? ["and \(more) more"] : [])
            throw MeshFailure(
                .corrupt, doing: doing,
                reason: lines.count == 1
                    ? lines[0] : "\(reader.problemCount) problems\n" + lines.joined(separator: "\n"))
        }
        return config
    }

    private mutating func read(_ root: Node, _ reader: inout ConfigReader, _ defaults: Defaults) {
        let top = ConfigPath.root("top level")
        var uids: [String: Int] = [:]
        var serviceKeys: [NamespacedHostname: Int] = [:]
        var policyKeys: [String: Int] = [:]
        for (key, keyNode, value) in reader.pairs(root, top) {
            let path = ConfigPath.root(key)
            switch key {
            case "workloads":
                workloads = reader.list(value, path) { reader, node, path in
                    let workload = reader.workload(node, path, defaults)
                    if let workload { reader.refuseTwice(workload.uid, "uid", node, path, &uids) }
                    return workload
                }
            case "services":
                services = reader.list(value, path) { reader, node, path in
                    let service = reader.service(node, path)
                    if let service { reader.refuseTwice(service.key, "service", node, path, &serviceKeys) }
                    return service
                }
            case "policies":
                policies = reader.list(value, path) { reader, node, path in
                    let policy = reader.policy(node, path)
                    if let policy { reader.refuseTwice(policy.key, "policy", node, path, &policyKeys) }
                    return policy
                }
            default: reader.problem(path, keyNode, "unknown key; expected one of workloads, services, policies")
            }
        }
    }

    private static func tooLong(_ doing: String, _ size: Int) -> MeshFailure {
        MeshFailure(.corrupt, doing: doing, reason: "it has \(size) bytes; at most \(byteLimit) are read")
    }

    /// A problem of YAML itself, in the shape of ours.
    static func describe(_ error: any Error, name: String) -> String {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            "\(name):\(mark.line): \(problem) (column \(mark.column))"
        case YamlError.duplicatedKeysInMapping(let keys, let context):
            "\(name):\(context.mark.line): the key \(keys.joined(separator: ", ")) is given twice"
        case YamlError.reader(let problem, let offset, _, _):
            "\(name): \(problem)" + (offset.map { " (byte \($0))" } ?? "")
        default: "\(name): not valid YAML"
        }
    }
}

extension ConfigReader {
    /// A problem when the key was seen before; `seen` holds the line where it first stood.
    mutating func refuseTwice<Key: Hashable>(
        _ key: Key, _ what: String, _ node: Node, _ path: ConfigPath, _ seen: inout [Key: Int]
    ) {
        if let line = seen.updateValue(node.mark?.line ?? 0, forKey: key) {
            problem(path, node, "\(what) \"\(key)\" was given at line \(line) already; each must be unique")
        }
    }
}
