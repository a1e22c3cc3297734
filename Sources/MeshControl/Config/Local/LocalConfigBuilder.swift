import MeshCore
import MeshYAML

/// Makes records of the elements of a file as they are read, and checks that each stands once.
struct LocalConfigBuilder {
    private(set) var config = LocalConfig()
    var reader = ConfigReader()
    private let defaults: LocalConfig.Defaults
    /// The line where each key stood first.
    private var uids: [String: Int] = [:]
    private var services: [NamespacedHostname: Int] = [:]
    private var policies: [String: Int] = [:]

    init(_ defaults: LocalConfig.Defaults) { self.defaults = defaults }

    /// Takes one element of the list under `key`.
    mutating func add(_ key: YAMLNode, _ element: YAMLNode) {
        switch key {
        case "workloads":
            guard let workload = reader.workload(element, defaults) else { return }
            Self.refuseTwice(workload.uid, "uid", element, &reader, &uids)
            config.append(workload)
        case "services":
            guard let service = reader.service(element) else { return }
            Self.refuseTwice(service.key, "service", element, &reader, &services)
            config.append(service)
        case "policies":
            guard let policy = reader.policy(element) else { return }
            Self.refuseTwice(policy.key, "policy", element, &reader, &policies)
            config.append(policy)
        default: break
        }
    }

    /// Takes what was not handed over element by element: lists behind an alias, and what should not be there.
    mutating func finish(_ top: YAMLNode) {
        for (key, value) in reader.pairs(top) {
            switch key {
            case "workloads", "services", "policies":
                for element in reader.elements(value) { add(key, element) }
            default: reader.unknownKey(key, expected: "workloads, services, policies")
            }
        }
    }

    private static func refuseTwice<Key: Hashable>(
        _ key: Key, _ what: String, _ node: YAMLNode, _ reader: inout ConfigReader, _ seen: inout [Key: Int]
    ) {
        if let line = seen.updateValue(node.line, forKey: key) {
            reader.problem(node, "\(what) \"\(key)\" was given at line \(line) already; each must be unique")
        }
    }
}
