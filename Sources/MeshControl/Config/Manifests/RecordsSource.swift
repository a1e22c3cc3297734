package import MeshCore
import MeshKubernetes
import MeshLinux

/// Kubernetes manifests whose policies hold beside those of a local configuration.
package struct ManifestSource: Sendable, Hashable {
    /// A file, or a folder with everything below it.
    package var path: String
    /// Whose policies hold for the whole mesh, where no ConfigMap `istio` among the manifests says it.
    package var rootNamespace: String

    package init(path: String, rootNamespace: String = MeshSettings().rootNamespace) {
        self.path = path
        self.rootNamespace = rootNamespace
    }
}

/// Where the records of a proxy come from.
package struct RecordsSource: Sendable {
    package var local: ZtunnelConfig.TextSource
    package var manifests: ManifestSource?
    package var defaults: LocalConfig.Defaults
    /// Whose proxy takes the records: which policies hold for it must be certain. `nil` when they are only asked about.
    package var own: ZtunnelConfig.WorkloadName?

    package init(
        _ local: ZtunnelConfig.TextSource, manifests: ManifestSource? = nil,
        defaults: LocalConfig.Defaults = LocalConfig.Defaults(), own: ZtunnelConfig.WorkloadName? = nil
    ) {
        self.local = local
        self.manifests = manifests
        self.defaults = defaults
        self.own = own
    }

    /// For messages: `mesh.yaml and policies`, or `LOCAL_XDS`.
    package var name: String {
        let local =
            switch local {
            case .file(let path): path
            case .inline: Self.inlineName
            }
        return manifests.map { "\(local) and \($0.path)" } ?? local
    }

    private static let inlineName = "LOCAL_XDS"

    /// - Throws: notFound, denied or usage when something cannot be read, corrupt with every problem that was found.
    package func load() throws(MeshFailure) -> LocalConfig {
        let config: LocalConfig
        switch local {
        case .file(let path): config = try .load(file: path, defaults: defaults)
        case .inline(let text): config = try .parse(text, name: Self.inlineName, defaults: defaults)
        }
        guard let manifests else { return config }
        return try ManifestPolicies(manifests).join(config, own: own)
    }
}

// MARK: Following

extension RecordsSource {
    /// What is read of files that may be written meanwhile.
    enum Reading {
        case good(LocalConfig)
        case broken(MeshFailure)
        /// Something was written or replaced while it was read: another event says when to read again.
        case unstable
    }

    func read() -> Reading {
        let before = stamps()
        let result = Result { () throws(MeshFailure) in try load() }
        if stamps() != before { return .unstable }
        switch result {
        case .success(let config): return .good(config)
        case .failure(let failure): return .broken(failure)
        }
    }

    /// What must be watched to learn of every change; empty when nothing can change.
    ///
    /// A folder that is watched tells of the files in it; where one of them is a link, what it leads to is watched too.
    func paths() -> [String] {
        var paths: [String] = []
        if case .file(let path) = local { paths.append(path) }
        guard let manifests else { return paths }
        let tree = ManifestFiles.tree(manifests.path)
        return paths + [manifests.path] + tree.folders + tree.files.filter { ManifestFiles.isLink($0) }
    }

    /// Of every file that is read; one that cannot be seen has none.
    private func stamps() -> [String: InputFile.Stamp] {
        var files = manifests.map { ManifestFiles.tree($0.path).files } ?? []
        if case .file(let path) = local { files.append(path) }
        var stamps: [String: InputFile.Stamp] = [:]
        for file in files { stamps[file] = InputFile.Stamp(path: file) }
        return stamps
    }
}
