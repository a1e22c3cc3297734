import Foundation
import MeshTestSupport

/// A mesh with a CA in a node of its own, and the options that make a pod's ztunnel use it.
struct ServedMesh {
    let mesh: Mesh
    let authority: NamespaceProcess
    private let address: String

    init() throws {
        let mesh = try Mesh()
        self.mesh = mesh
        try mesh.makeAuthority()
        for pod in ["client", "server"] {
            try mesh.write("token-of-\(pod)-\(UUID().uuidString)", to: "\(pod).token")
            chmod(mesh.path("\(pod).token"), 0o600)
        }
        let callers = ["client", "server"].map { pod in
            """
              - name: \(pod)
                tokenFile: \(mesh.path("\(pod).token"))
                identities: [spiffe://cluster.local/ns/default/sa/\(pod)]
            """
        }
        let file = try mesh.write("callers:\n" + callers.joined(separator: "\n") + "\n", to: "callers.yaml")
        let node = try mesh.node("ca")
        address = "\(node.v4):15012"
        let process = try node.spawn(
            Meshctl.path, "ca", "serve", "--dir", mesh.path("authority"), "--listen", address, "--callers", file
        )
        authority = process
        _ = try eventually("the CA to listen: \(process.errors)") {
            guard process.isRunning else { throw TimedOut(description: "ca serve ended: \(process.errors)") }
            return try node.exec("ss", "-Htln", "sport", "=", ":15012").isEmpty ? nil : true
        }
    }

    func options(_ pod: String) -> [String] {
        [
            "--ca-address", "https://\(address)", "--ca-root", mesh.path("authority/root-cert.pem"),
            "--token", mesh.path("\(pod).token"),
        ]
    }

    func start(lifetime: String = "24h") throws -> (client: Ztunnel, server: Ztunnel) {
        let environment = ["SECRET_TTL": lifetime]
        let pair = (
            client: try mesh.startZtunnel("client", credentials: options("client"), environment: environment),
            server: try mesh.startZtunnel("server", credentials: options("server"), environment: environment)
        )
        try mesh.redirect("client", "server")
        try mesh.serve("server")
        return pair
    }

    func transfer() throws -> Peer.Result {
        try mesh.call("client", "transfer", "\(try mesh.node("server").v4)", "7000", "1000", "1000")
    }

    /// The serial number of the certificate that the server's ztunnel shows now.
    func serverSerial() throws -> String {
        let client = try mesh.issue("prober")
        let target = "\(try mesh.node("server").v4):15008"
        let shown = try mesh.node("ca").outcome([
            "bash", "-c",
            "timeout 10 openssl s_client -connect \(target) -alpn h2 -cert \(client.certificate) "
                + "-key \(client.key) </dev/null 2>/dev/null | openssl x509 -noout -serial",
        ])
        guard shown.output.hasPrefix("serial=") else { throw TimedOut(description: "no serial: \(shown)") }
        return shown.output
    }

    // MARK: The authority

    /// Subjects of the roots that the authority hands out now.
    func roots() throws -> [String] {
        let asked = try Meshctl.run("ca", "bundle", "--dir", mesh.path("authority"), "--output", "json")
        guard let object = try? JSONSerialization.jsonObject(with: Data(asked.output.utf8)) as? [String: Any],
            let roots = object["roots"] as? [[String: Any]]
        else { throw TimedOut(description: "no bundle: \(asked)") }
        return roots.compactMap { $0["subject"] as? String }
    }

    func rotate(_ options: String...) throws {
        let rotated = try Outcome.of([Meshctl.path, "ca", "rotate", "--dir", mesh.path("authority")] + options)
        guard rotated.status == 0 else { throw TimedOut(description: "meshctl ca rotate: \(rotated.errors)") }
    }

    /// The records of the audit log, oldest first.
    func records() throws -> [LogLine] {
        let folder = mesh.path("authority/audit")
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".jsonl") }.sorted()
            .flatMap { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8).split(separator: "\n") }
            .compactMap { LogLine($0) }
    }

    /// Whether both pods have got a certificate after the last record about which `matches` holds.
    func bothRenewed(after matches: (LogLine) -> Bool) throws -> Bool {
        let records = try records()
        guard let index = records.lastIndex(where: matches) else { return false }
        let callers = records[index...].filter { $0["event"] == "issued" }.compactMap { $0["caller"] }
        return Set(callers).isSuperset(of: ["client", "server"])
    }
}
