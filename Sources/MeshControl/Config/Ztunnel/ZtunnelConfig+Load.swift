import FoundationEssentials
package import MeshCore

extension ZtunnelConfig {
    /// What reading settings needs of the machine; tests give their own.
    package struct Host: Sendable {
        /// CPUs that this process may use.
        package var cpuCount: Int
        /// The text of a file, or `nil` when there is none.
        package var read: @Sendable (String) -> String?
        package var exists: @Sendable (String) -> Bool

        package init(
            cpuCount: Int, read: @escaping @Sendable (String) -> String?, exists: @escaping @Sendable (String) -> Bool
        ) {
            self.cpuCount = cpuCount
            self.read = read
            self.exists = exists
        }

        /// This machine.
        package static let current = Host(
            cpuCount: ProcessInfo.processInfo.activeProcessorCount,
            read: { try? String(contentsOfFile: $0, encoding: .utf8) },
            exists: { FileManager.default.fileExists(atPath: $0) })
    }

    /// Reads settings from an environment, the mesh configuration and flags.
    ///
    /// - Throws: `.usage` with every problem, a line each: the variable or flag, its value, and what was expected.
    package static func load(
        environment: [String: String], overrides: ZtunnelOverrides = ZtunnelOverrides(), host: Host = .current
    ) throws(MeshFailure) -> ZtunnelConfig {
        var reader = SettingReader(environment: environment, flags: overrides.byVariable)
        var config = ZtunnelConfig()
        let (mesh, meshProblems) = meshConfig(environment, host)
        config.metadata = metadata(mesh, environment)
        config.readIdentity(&reader)
        config.readSources(&reader, mesh, host)
        config.readCredential(&reader, host)
        config.readPorts(&reader, mesh)
        config.readTraffic(&reader)
        config.readRuntime(&reader, mesh, host)
        refuseUnsupported(&reader)
        config.origins = reader.origins
        let problems = meshProblems + reader.problems + config.problems()
        if problems.isEmpty { return config }
        throw MeshFailure(
            .usage, doing: "read settings",
            reason: problems.count == 1
                ? problems[0] : "\(problems.count) problems\n" + problems.joined(separator: "\n"))
    }

    /// `PROXY_CONFIG` over the file `./etc/istio/config/mesh`; a missing file is fine.
    private static func meshConfig(_ environment: [String: String], _ host: Host) -> (MeshConfigText, [String]) {
        let path = "./etc/istio/config/mesh"
        var (config, problems) =
            host.read(path).map { MeshConfigText.parse($0, name: path, under: "defaultConfig") }
            ?? (MeshConfigText(), [])
        if let text = environment["PROXY_CONFIG"] {
            let (own, ownProblems) = MeshConfigText.parse(text, name: "PROXY_CONFIG")
            config = own.over(config)
            problems += ownProblems
        }
        return (config, problems)
    }

    private static func metadata(_ mesh: MeshConfigText, _ environment: [String: String]) -> [String: String] {
        let prefix = "ISTIO_META_"
        var metadata: [String: String] = [:]
        func bare(_ key: String) -> String { key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key }
        for (key, value) in mesh.metadata { metadata[bare(key)] = value }
        for (key, value) in environment where key.hasPrefix(prefix) { metadata[bare(key)] = value }
        return metadata
    }

    private mutating func readIdentity(_ reader: inout SettingReader) {
        network = reader.text("NETWORK") ?? network
        nodeName = reader.filled("NODE_NAME")
        let plainCluster = reader.text("CLUSTER_ID")
        let isFlag = reader.flags["CLUSTER_ID"] != nil
        clusterID = (isFlag ? plainCluster : metadata["CLUSTER_ID"] ?? plainCluster) ?? clusterID
        clusterDomain = reader.text("CLUSTER_DOMAIN") ?? clusterDomain
        trustDomain = reader.text("TRUST_DOMAIN") ?? trustDomain
        if let text = reader.filled("PROXY_WORKLOAD_INFO") {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            if parts.count == 3, !parts.contains("") {
                workload = WorkloadName(namespace: parts[0], name: parts[1], serviceAccount: parts[2])
            } else {
                reader.problem("PROXY_WORKLOAD_INFO", "is \"\(text)\"; expected <namespace>/<name>/<service account>")
                workload = WorkloadName(namespace: "", name: "", serviceAccount: "")  // one problem is enough
            }
        }
    }

    private mutating func readSources(_ reader: inout SettingReader, _ mesh: MeshConfigText, _ host: Host) {
        let path = reader.filled("LOCAL_XDS_PATH")
        let inline = reader.filled("LOCAL_XDS")
        switch (path, inline) {
        case (let path?, nil): localConfig = .file(path)
        case (nil, let text?): localConfig = .inline(text)
        case (let path?, _?):
            // A flag wins over either variable.
            if reader.flags["LOCAL_XDS_PATH"] == nil {
                reader.problem("LOCAL_XDS", "is set, and so is LOCAL_XDS_PATH; give one of them")
            }
            localConfig = .file(path)
        case (nil, nil): break
        }
        readManifests(&reader)
        if let address = reader.filled("XDS_ADDRESS") {
            reader.problem(
                "XDS_ADDRESS", "is \"\(address)\"; XDS is not supported yet, leave it empty and set LOCAL_XDS_PATH")
        }
    }

    private mutating func readManifests(_ reader: inout SettingReader) {
        let root = reader.filled("MESHCTL_ROOT_NAMESPACE")
        guard let path = reader.filled("MESHCTL_MANIFESTS") else {
            if reader.flags["MESHCTL_ROOT_NAMESPACE"] != nil {
                reader.problem("MESHCTL_ROOT_NAMESPACE", "is for manifests; give --manifests too")
            }
            return
        }
        if path == "-" {
            reader.problem("MESHCTL_MANIFESTS", "is -, which cannot be followed; expected a file or a folder")
        }
        manifests = root.map { ManifestSource(path: path, rootNamespace: $0) } ?? ManifestSource(path: path)
    }

    private mutating func readRuntime(_ reader: inout SettingReader, _ mesh: MeshConfigText, _ host: Host) {
        var workers = WorkerThreads(concurrency: mesh.concurrency, detected: host.cpuCount)
        if let text = reader.filled("ZTUNNEL_WORKER_THREADS") {
            workers.wish = WorkerThreads.wish(text)
            if workers.wish == nil {
                reader.problem(
                    "ZTUNNEL_WORKER_THREADS", "is \"\(text)\"; expected a number, 0 for all CPUs, or 1% to 100%")
            }
        }
        if reader.filled("ZTUNNEL_CPU_LIMIT") != nil {
            workers.cpuLimit = reader.number("ZTUNNEL_CPU_LIMIT", 1, in: 1...4096)
        }
        func cpus(_ name: String) -> Int? {
            guard let text = reader.filled(name) else { return nil }
            if let count = WorkerThreads.cpus(text) { return count }
            reader.problem(name, "is \"\(text)\"; expected a number of CPUs such as 2, 1.5 or 500m")
            return nil
        }
        workers.resourceLimit = cpus("ZTUNNEL_RESOURCE_CPU_LIMIT")
        workers.resourceRequest = cpus("ZTUNNEL_RESOURCE_CPU_REQUEST")
        workerThreads = workers.count
        if mesh.concurrency != nil { reader.note(unset: "ZTUNNEL_WORKER_THREADS", .meshConfig) }

        if reader.text("CONNECTION_TERMINATION_DEADLINE") != nil {
            drainDeadline = reader.duration("CONNECTION_TERMINATION_DEADLINE", drainDeadline)
        } else if reader.filled("TERMINATION_GRACE_PERIOD_SECONDS") != nil {
            let grace: Int64 = reader.number("TERMINATION_GRACE_PERIOD_SECONDS", 10, in: 0...1_000_000)
            // Room to be cut off in order before the kubelet does it.
            drainDeadline = .seconds(max(1, grace > 10 ? grace - 5 : grace - 1))
        }
        logFilter = reader.filled("RUST_LOG") ?? logFilter
        switch reader.filled("LOG_FORMAT") {
        case nil, "plain": logsJSON = false
        case "json": logsJSON = true
        case let text?: reader.problem("LOG_FORMAT", "is \"\(text)\"; expected plain or json")
        }
        logsPolicyAtInfo = reader.bool("AUTHZ_POLICY_INFO_LOGGING", false)
    }

    /// Settings that exist upstream and would change what we do, if we did them.
    private static func refuseUnsupported(_ reader: inout SettingReader) {
        switch reader.filled("PROXY_MODE") {
        case nil, "dedicated": break
        case "shared": reader.problem("PROXY_MODE", "is \"shared\", which is not supported yet; use dedicated")
        case let text?: reader.problem("PROXY_MODE", "is \"\(text)\"; expected dedicated")
        }
        for name in ["XDS_ON_DEMAND", "FAKE_CA"] where reader.bool(name, false) {
            reader.problem(name, "is true, which is not supported yet; unset it")
        }
        if let path = reader.filled("CRL_PATH") {
            reader.problem("CRL_PATH", "is \"\(path)\"; revocation lists are not supported yet, unset it")
        }
    }
}
