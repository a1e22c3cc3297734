package import MeshCore
import MeshYAML

/// Reads manifests into a cluster model: multi-document YAML, JSON, `kind: List` and typed lists.
///
/// All problems are noted, at most `ManifestProblems.limit` of each severity. What is wrong in an object leaves that
/// object as far as it could be read; a model with errors must not be judged by.
package struct ClusterReader {
    /// Objects of all files together.
    package static let objectLimit = 1_000_000
    /// Lists inside lists.
    private static let nestingLimit = 4

    package private(set) var cluster = ClusterModel()
    private var reader = ObjectReader(ManifestProblems())
    private let namespace: String
    /// Objects met so far, those of kinds that are passed over too.
    package private(set) var objectCount = 0
    private var seen: [String: FilePosition] = [:]

    /// - Parameters:
    ///   - settings: of the mesh; a ConfigMap `istio` among the manifests changes them.
    ///   - namespace: of objects that name none.
    package init(settings: MeshSettings = MeshSettings(), namespace: String = "default") {
        self.namespace = namespace
        cluster.settings = settings
    }

    package var problems: ManifestProblems { reader.problems }

    package mutating func read(_ manifest: Manifest) {
        do throws(YAMLError) {
            let yaml = try YAMLReader(manifest.bytes, name: manifest.name)
            while let document = try yaml.next() { read(document, depth: 0) }
        } catch {
            reader.problems.add(
                ManifestProblem(
                    .error, FilePosition(file: error.file, line: error.line, column: error.column), object: "",
                    path: "", error.reason, remedy: "mend the text; nothing behind this place was read"))
        }
    }

    /// The model, when all is read.
    package consuming func finish() -> (cluster: ClusterModel, problems: ManifestProblems) {
        cluster.settleOwners()
        return (cluster, reader.problems)
    }

    private mutating func read(_ document: YAMLNode, depth: Int) {
        if document.isNull { return }
        reader.object = ""
        guard document.kind == .mapping else {
            reader.error(document, "is \(document.kind), no Kubernetes object", remedy: "give apiVersion and kind")
            return
        }
        guard let kind = document["kind"]?.text, !kind.isEmpty, let version = document["apiVersion"]?.text,
            !version.isEmpty
        else {
            reader.error(document, "has no kind or no apiVersion", remedy: "give both, as in the API reference")
            return
        }
        objectCount += 1
        if objectCount > Self.objectLimit {
            if objectCount == Self.objectLimit + 1 {
                reader.error(document, "more than \(Self.objectLimit) objects", remedy: "name fewer files")
            }
            return
        }
        if kind.hasSuffix("List"), let items = document["items"] {
            guard depth < Self.nestingLimit else {
                reader.error(document, "lists are nested deeper than \(Self.nestingLimit)", remedy: "flatten them")
                return
            }
            for item in items.elements { read(item, depth: depth + 1, of: kind, version) }
            return
        }
        read(document, kind, version)
    }

    /// An element of a list; in a typed list it may leave out what the list says.
    private mutating func read(_ item: YAMLNode, depth: Int, of list: String, _ version: String) {
        let isTyped = list != "List"
        if isTyped, item.kind == .mapping, item["kind"] == nil {
            objectCount += 1
            read(item, String(list.dropLast("List".count)), version)
        } else {
            read(item, depth: depth)
        }
    }

    private mutating func read(_ document: YAMLNode, _ kind: String, _ version: String) {
        let slash = version.lastIndex(of: "/")
        let group = slash.map { version[..<$0] } ?? ""
        switch (group, kind) {
        case ("security.istio.io", "AuthorizationPolicy"), ("security.istio.io", "PeerAuthentication"),
            ("security.istio.io", "RequestAuthentication"):
            security(document, kind, version)
        case ("", "Namespace"):
            let meta = reader.meta(document, kind: kind, namespace: "")
            cluster.namespaces[meta.name] = NamespaceObject(meta: meta)
        case ("", "Pod"): cluster.workloads.append(reader.pod(document, meta(document, kind)))
        case ("", "Service"): cluster.services.append(reader.service(document, meta(document, kind)))
        case ("", "ServiceAccount"): cluster.serviceAccounts.append(meta(document, kind))
        case ("", "ConfigMap"): configMap(document, meta(document, kind))
        case ("networking.istio.io", "ServiceEntry"):
            cluster.services.append(reader.serviceEntry(document, meta(document, kind)))
        case ("networking.istio.io", "WorkloadEntry"):
            cluster.workloads.append(reader.workloadEntry(document, meta(document, kind)))
        case ("gateway.networking.k8s.io", "Gateway"):
            cluster.gateways.append(reader.gateway(document, meta(document, kind)))
        case ("gateway.networking.k8s.io", "GatewayClass"):
            let meta = reader.meta(document, kind: kind, namespace: "")
            let controller = document["spec"]?["controllerName"]?.text ?? ""
            cluster.gatewayClasses.append(GatewayClassObject(meta: meta, controller: controller))
        case ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"),
            ("batch", "Job"):
            guard let known = ClusterWorkload.Kind(rawValue: kind) else { return }
            cluster.workloads.append(reader.template(document, meta(document, kind), known))
        default: cluster.passedOver[kind, default: 0] += 1
        }
    }

    private mutating func meta(_ document: YAMLNode, _ kind: String) -> ObjectMeta {
        reader.meta(document, kind: kind, namespace: namespace)
    }

    private mutating func security(_ document: YAMLNode, _ kind: String, _ version: String) {
        let meta = meta(document, kind)
        guard version == "security.istio.io/v1" || version == "security.istio.io/v1beta1" else {
            reader.error(
                document["apiVersion"] ?? document, "\"\(version)\" is not served",
                remedy: "use security.istio.io/v1")
            return
        }
        if let first = seen.updateValue(meta.position, forKey: "\(kind) \(meta)") {
            reader.error(
                document, "the same object stands at \(first) already", remedy: "remove one, or rename it")
            return
        }
        switch kind {
        case "AuthorizationPolicy": cluster.policies.append(reader.securityPolicy(document, meta))
        case "PeerAuthentication": cluster.peerAuthentications.append(reader.peerAuthentication(document, meta))
        default: cluster.requestAuthentications.append(reader.requestAuthentication(document, meta))
        }
    }

    /// istiod keeps its MeshConfig in a ConfigMap `istio`, as a text under `mesh`.
    private mutating func configMap(_ document: YAMLNode, _ meta: ObjectMeta) {
        guard meta.name == "istio", let node = document["data"]?["mesh"] else {
            cluster.passedOver["ConfigMap", default: 0] += 1
            return
        }
        do throws(YAMLError) {
            let name = "\(node.file):\(node.line) (data.mesh)"
            guard let mesh = try YAMLNode.document(in: node.text, name: name) else { return }
            reader.meshSettings(mesh, into: &cluster.settings)
        } catch {
            reader.error(node, error.description, remedy: "mend the text of the mesh configuration")
        }
    }
}

extension ClusterModel {
    /// Reads manifests from files, folders and standard input.
    /// - Throws: `.notFound`, `.denied` or `.usage` when something cannot be read at all.
    package static func read(
        _ paths: [String], settings: MeshSettings = MeshSettings(), namespace: String = "default", doing: String
    ) throws(MeshFailure) -> (cluster: ClusterModel, problems: ManifestProblems) {
        var reader = ClusterReader(settings: settings, namespace: namespace)
        for manifest in try ManifestFiles.read(paths, doing: doing) { reader.read(manifest) }
        return reader.finish()
    }
}
