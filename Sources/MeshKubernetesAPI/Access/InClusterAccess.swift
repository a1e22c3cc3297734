package import MeshCore

extension ClusterAccess {
    /// Where the kubelet puts a pod's credentials.
    package static let podFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The access that every pod has: a token, the cluster's roots, and the address from the environment.
    /// - Throws: `.notFound` outside a cluster, naming what is missing.
    package static func inCluster(
        environment: [String: String], folder: String = podFolder, doing: String
    ) throws(MeshFailure) -> ClusterAccess {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"],
            !host.isEmpty, let number = UInt16(port), number > 0
        else {
            throw MeshFailure(
                .notFound, doing: doing,
                reason: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT name no API server; "
                    + "run in a pod, or name a kubeconfig")
        }
        let namespace: String
        do {
            _ = try CredentialFile.text("\(folder)/token")
            _ = try CredentialFile.text("\(folder)/ca.crt")
            namespace = try CredentialFile.text("\(folder)/namespace")
        } catch {
            throw MeshFailure(.notFound, doing: doing, reason: "\(error)")
        }
        return ClusterAccess(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(number)",
            roots: .file("\(folder)/ca.crt"), identity: .token(.file("\(folder)/token")), namespace: namespace)
    }
}
