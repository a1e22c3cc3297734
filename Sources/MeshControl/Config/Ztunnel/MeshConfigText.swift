import MeshYAML

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
        let root: YAMLNode?
        do {
            root = try YAMLNode.document(in: text, name: name)
        } catch {
            return (config, [ConfigReader.describe(error)])
        }
        guard var object = root, !object.isNull else { return (config, []) }
        var reader = ConfigReader()
        if let key {
            guard let inner = reader.pairs(object).first(where: { $0.key.text == key })?.value else {
                return (config, reader.problems)
            }
            object = inner
        }
        var hasMetadata = false
        for (key, value) in reader.pairs(object) {
            switch key {
            case "discoveryAddress": config.discoveryAddress = reader.text(value)
            case "proxyAdminPort": config.proxyAdminPort = reader.port(value)
            case "statsPort": config.statsPort = reader.port(value)
            case "concurrency": config.concurrency = Int(reader.number(value, "a whole number", UInt16.self))
            case "proxyMetadata":
                hasMetadata = true
                for (name, text) in reader.pairs(value) { config.metadata[name.text] = reader.text(text) }
            default: break
            }
        }
        if !hasMetadata { reader.problem(object, "needs proxyMetadata") }
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
