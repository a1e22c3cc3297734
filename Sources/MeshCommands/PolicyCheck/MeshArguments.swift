import ArgumentParser
import MeshCore

/// The mesh's settings, where no ConfigMap `istio` among the manifests gives them.
struct MeshArguments: ParsableArguments {
    @Option(help: "Namespace whose policies hold for the whole mesh.")
    var rootNamespace = "istio-system"

    @Option(help: "Trust domain of the mesh.")
    var trustDomain = "cluster.local"

    @Option(help: "Further trust domain of the same trust. Repeat.")
    var trustDomainAlias: [String] = []

    @Option(name: .shortAndLong, help: "Namespace of objects that name none.")
    var namespace = "default"

    var settings: MeshSettings {
        var settings = MeshSettings()
        settings.rootNamespace = rootNamespace
        settings.trustDomain = trustDomain
        settings.trustDomainAliases = trustDomainAlias
        return settings
    }
}
