import Yams

/// The few settings of Istio's `ProxyConfig` that a node proxy reads.
struct MeshConfigText: Equatable {
    var discoveryAddress: String?
    var proxyAdminPort: UInt16?
    var statsPort: UInt16?
    var concurrency: Int?
    var metadata: [String: String] = [:]

    /// Reads `PROXY_CONFIG`, or the object under `defaultConfig` of the mesh file. Other keys are ignored.
    /// - Returns: the settings, and what is wrong with the text.
    static func parse(_ text: String, name: String, under key: String? = nil) -> (MeshConfigText, [String]) {
        var config = MeshConfigText()
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            return (config, [LocalConfig.describe(error, name: name)])
        }
        guard var object = root, !ConfigReader.isNull(object) else { return (config, []) }
        var reader = ConfigReader(file: name, textBytes: text.utf8.count)
        var path = ConfigPath.root(key ?? name)
        if let key {
            guard let inner = reader.pairs(object, .root(name)).first(where: { $0.key == key })?.value else {
                return (config, reader.problems)
            }
            object = inner
        } else {
            path = .root("proxy configuration")
        }
        var hasMetadata = false
        for (key, _, value) in reader.pairs(object, path) {
            switch key {
            case "discoveryAddress": config.discoveryAddress = reader.text(value, path.key(key))
            case "proxyAdminPort": config.proxyAdminPort = reader.port(value, path.key(key))
            case "statsPort": config.statsPort = reader.port(value, path.key(key))
            case "concurrency":
                config.concurrency = Int(reader.number(value, path.key(key), "a whole number", UInt16.self))
            case "proxyMetadata":
                hasMetadata = true
                for (name, _, text) in reader.pairs(value, path.key(key)) {
                    config.metadata[name] = reader.text(text, path.key(key).key(name))
                }
            default: break
            }
        }
        if !hasMetadata { reader.problem(path, object, "needs proxyMetadata") }
        return (config, reader.problems)
    }

    /// These settings over others: what is set here wins.
    func over(_ other: MeshConfigText) -> MeshConfigText {
        MeshConfigText(
            discoveryAddress: discoveryAddress ?? other.discoveryAddress,
            proxyAdminPort: proxyAdminPort ?? other.proxyAdminPort, statsPort: statsPort ?? other.statsPort,
            concurrency: concurrency ?? other.concurrency, metadata: other.metadata.merging(metadata) { _, own in own })
    }
}
