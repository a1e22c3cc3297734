import Foundation
import MeshTestSupport

/// Pods in namespaces of their own, and the folder with their certificates and configuration.
final class Mesh {
    let world: NamespaceWorld
    let folder: URL
    var document = MeshDocument()
    /// Every ztunnel that was started, oldest first.
    private(set) var ztunnels: [Ztunnel] = []

    /// - Parameter pods: names of pods that are workloads of the mesh; their service account has the same name.
    init(pods: [String] = ["client", "server"]) throws {
        world = try NamespaceWorld(prefix: "e2e")
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("mesh-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for pod in pods { document.addWorkload(try world.node(pod)) }
    }

    deinit {
        world.destroy()
        try? FileManager.default.removeItem(at: folder)
    }

    func node(_ name: String) throws -> NamespaceNode { try world.node(name) }
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        return path(name)
    }

    // MARK: Certificates

    /// Makes a CA in a folder of that name.
    @discardableResult
    func makeAuthority(_ name: String = "authority", trustDomain: String = "cluster.local") throws -> String {
        let made = try Meshctl.run("ca", "init", "--dir", path(name), "--trust-domain", trustDomain)
        guard made.status == 0 else { throw TimedOut(description: "meshctl ca init: \(made.errors)") }
        return name
    }

    /// Issues a certificate for a service account of namespace default, offline.
    func issue(
        _ account: String, by authority: String = "authority", trustDomain: String = "cluster.local",
        lifetime: String = "24h"
    ) throws -> Credentials {
        if !FileManager.default.fileExists(atPath: path(authority)) {
            try makeAuthority(authority, trustDomain: trustDomain)
        }
        let target = path("\(authority)-\(account)")
        let issued = try Meshctl.run(
            "ca", "issue", "--dir", path(authority), "spiffe://\(trustDomain)/ns/default/sa/\(account)", "--out",
            target,
            "--ttl", lifetime)
        guard issued.status == 0 else { throw TimedOut(description: "meshctl ca issue: \(issued.errors)") }
        return Credentials(folder: target)
    }

    // MARK: Programs

    /// Starts a ztunnel in a pod and waits until it is ready.
    ///
    /// - Parameters:
    ///   - wrapper: a program, with its options, that starts it.
    ///   - readyWithin: seconds.
    @discardableResult
    func startZtunnel(
        _ pod: String, credentials: [String]? = nil, options: [String] = [], environment: [String: String] = [:],
        wrapper: [String] = [], readinessPort: Int = 15_021, readyWithin: Double = 10
    ) throws -> Ztunnel {
        let certificates = try credentials ?? issue(pod).options
        let configuration = try write(document.yaml, to: "mesh-\(pod).yaml")
        let process = try node(pod).spawn(
            wrapper + [
                Meshctl.path, "ztunnel", "run", "--config", configuration, "--workload", "default/\(pod)/\(pod)",
                "--packet-mark", "1337", "--log-format", "json",
            ] + certificates + options, environment: environment)
        let ztunnel = Ztunnel(node: try node(pod), process: process)
        ztunnels.append(ztunnel)
        try ztunnel.waitUntilReady(port: readinessPort, within: readyWithin)
        return ztunnel
    }

    func redirect(_ pods: String...) throws {
        for pod in pods {
            let applied = try Meshctl.run("redirect", "apply", "--netns", node(pod).netns)
            guard applied.status == 0 else { throw TimedOut(description: "meshctl redirect apply: \(applied.errors)") }
        }
    }

    /// Client and server in the mesh, ready and redirected.
    func startPair() throws -> (client: Ztunnel, server: Ztunnel) {
        let pair = (client: try startZtunnel("client"), server: try startZtunnel("server"))
        try redirect("client", "server")
        return pair
    }

    /// Starts the TCP server of Tests/Tools/peer.py in a pod.
    @discardableResult
    func serve(_ pod: String, ports: String = "7000") throws -> NamespaceProcess {
        let server = try node(pod).spawn(["python3", Peer.script, "serve", ports])
        guard server.waitFor("listening") else {
            throw TimedOut(description: "peer.py serve \(ports): \(server.errors)")
        }
        return server
    }

    /// Runs a client of Tests/Tools/peer.py in a pod, to its end.
    func call(_ pod: String, _ arguments: String..., within seconds: Double = 60) throws -> Peer.Result {
        let client = try node(pod).spawn(["python3", Peer.script] + arguments)
        guard client.wait(seconds: seconds) != -SIGKILL else {
            throw TimedOut(description: "peer.py \(arguments) did not end within \(seconds) s")
        }
        return try Peer.result(of: client)
    }

    /// Starts a client of Tests/Tools/peer.py that runs until something happens.
    func start(_ pod: String, _ arguments: String...) throws -> NamespaceProcess {
        try node(pod).spawn(["python3", Peer.script] + arguments)
    }
}

/// Certificate chain, key and roots, as `meshctl ca issue` writes them.
struct Credentials {
    var certificate: String
    var key: String
    var roots: String

    init(folder: String) {
        (certificate, key, roots) = ("\(folder)/cert-chain.pem", "\(folder)/key.pem", "\(folder)/root-cert.pem")
    }

    var options: [String] { ["--certificate", certificate, "--key", key, "--trust-bundle", roots] }
}
