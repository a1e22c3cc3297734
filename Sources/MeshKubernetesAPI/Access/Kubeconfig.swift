import FoundationEssentials
package import MeshCore
import MeshYAML

/// A kubeconfig file. Source: Kubernetes documentation, kubeconfig (v1).
///
/// Understood: clusters with roots by file or in place, users with a token, a token file or a client certificate, and
/// contexts. Refused with the reason: programs that make credentials (`exec`, `auth-provider`), passwords, proxies, and
/// clusters whose certificate is not to be verified.
package struct Kubeconfig {
    private let path: String
    private let top: YAMLNode

    /// - Throws: `.notFound`, `.usage` or `.corrupt`.
    package init(path: String, doing: String) throws(MeshFailure) {
        let text: String
        do {
            text = try CredentialFile.text(path)
        } catch {
            let hint = path.contains(":") ? "; name one file, not a list" : ""
            throw MeshFailure(.notFound, doing: doing, reason: "kubeconfig \(error)\(hint)")
        }
        do {
            guard let top = try YAMLNode.document(in: text, name: path), top.kind == .mapping else {
                throw MeshFailure(.corrupt, doing: doing, reason: "\(path) is no kubeconfig")
            }
            self.top = top
        } catch let failure as MeshFailure {
            throw failure
        } catch {
            throw MeshFailure(.corrupt, doing: doing, reason: "\(error)")
        }
        self.path = path
    }

    /// The access that a context describes; without a name, that of `current-context`.
    package func access(context wanted: String?, doing: String) throws(MeshFailure) -> ClusterAccess {
        let name = wanted ?? text(top["current-context"]) ?? ""
        guard !name.isEmpty else {
            throw MeshFailure(.usage, doing: doing, reason: "\(path) has no current-context; name a context")
        }
        let context = try entry("contexts", name, "context", doing)
        guard let clusterName = text(context["cluster"]) else { throw problem(context, "names no cluster", doing) }
        let cluster = try entry("clusters", clusterName, "cluster", doing)
        let server = try self.server(cluster, doing)
        var access = ClusterAccess(server: server)
        if let data = text(cluster["certificate-authority-data"]) {
            access.roots = .text(try decoded(data, cluster, "certificate-authority-data", doing))
        } else if let file = text(cluster["certificate-authority"]) {
            access.roots = .file(absolute(file))
        }
        access.serverName = text(cluster["tls-server-name"])
        access.namespace = text(context["namespace"]) ?? "default"
        if let user = text(context["user"]) {
            access.identity = try identity(entry("users", user, "user", doing), doing)
        }
        return access
    }

    private func server(_ cluster: YAMLNode, _ doing: String) throws(MeshFailure) -> String {
        guard let server = text(cluster["server"]) else { throw problem(cluster, "names no server", doing) }
        if let proxy = cluster["proxy-url"], !proxy.text.isEmpty {
            throw problem(proxy, "a proxy to the API server is not supported", doing)
        }
        if let skip = cluster["insecure-skip-tls-verify"], skip.bool != false {
            throw problem(
                skip, "a server that is not verified could be anybody; give certificate-authority-data instead", doing)
        }
        let schemes = server.lowercased()
        guard schemes.hasPrefix("https://") || schemes.hasPrefix("http://") else {
            throw problem(cluster, "server \"\(server)\" is no http or https URL", doing)
        }
        return server
    }

    private func identity(_ user: YAMLNode, _ doing: String) throws(MeshFailure) -> ClusterAccess.Identity {
        for (key, value) in user.pairs where !value.isNull {
            switch key {
            case "exec", "auth-provider":
                throw problem(
                    value, "credentials made by a program are not supported; put a token or a client certificate there",
                    doing)
            case "username", "password":
                throw problem(value, "passwords are not supported; use a token or a client certificate", doing)
            case "as", "as-uid", "as-groups", "as-user-extra":
                throw problem(value, "acting as somebody else is not supported", doing)
            default: break
            }
        }
        // A file wins over a text, as with kubectl: it is the one that is renewed.
        if let file = text(user["tokenFile"]) { return .token(.file(absolute(file))) }
        if let token = text(user["token"]) { return .token(.text(token)) }
        let chain = try source(user, "client-certificate-data", "client-certificate", doing)
        let key = try source(user, "client-key-data", "client-key", doing)
        switch (chain, key) {
        case (nil, nil): return .anonymous
        case (let chain?, let key?): return .certificate(chain: chain, key: key)
        case (nil, _): throw problem(user, "has a client key without a certificate", doing)
        case (_, nil): throw problem(user, "has a client certificate without a key", doing)
        }
    }

    private func source(
        _ user: YAMLNode, _ data: StaticString, _ file: StaticString, _ doing: String
    ) throws(MeshFailure) -> ClusterAccess.Source? {
        if let text = text(user[data]) { return .text(try decoded(text, user, "\(data)", doing)) }
        return text(user[file]).map { .file(absolute($0)) }
    }

    private func entry(
        _ list: StaticString, _ name: String, _ key: StaticString, _ doing: String
    ) throws(MeshFailure) -> YAMLNode {
        for entry in top[list]?.elements.map({ $0 }) ?? [] where entry["name"]?.text == name {
            if let value = entry[key], value.kind == .mapping { return value }
        }
        throw MeshFailure(.usage, doing: doing, reason: "\(path) has no \(key) \"\(name)\"")
    }

    private func decoded(
        _ text: String, _ node: YAMLNode, _ key: String, _ doing: String
    ) throws(MeshFailure) -> String {
        guard let bytes = Data(base64Encoded: text), let result = String(validating: bytes, as: UTF8.self) else {
            throw problem(node, "\(key) is not base64 of a text", doing)
        }
        return result
    }

    private func text(_ node: YAMLNode?) -> String? {
        guard let node, node.kind == .scalar, !node.isNull, !node.text.isEmpty else { return nil }
        return node.text
    }

    private func absolute(_ file: String) -> String {
        if file.hasPrefix("/") { return file }
        return (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + file
    }

    private func problem(_ node: YAMLNode, _ reason: String, _ doing: String) -> MeshFailure {
        MeshFailure(.usage, doing: doing, reason: "\(node.error(reason))")
    }
}
