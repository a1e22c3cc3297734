import Crypto
import FakeAPIServer
import Foundation
import MeshCore
import MeshKubernetesAPI
import MeshTestSupport
import NIOSSL
import SwiftASN1
import Testing
import X509

@Suite("Access to a cluster")
struct AccessTests {
    private func config(user: String, cluster: String = "server: https://k:6443/") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: c
        clusters:
          - name: k
            cluster: {\(cluster)}
        users:
          - name: u
            user: {\(user)}
        contexts:
          - name: c
            context: {cluster: k, user: u, namespace: mesh}
          - name: broken
            context: {cluster: nowhere, user: u}
        """
    }

    private func access(_ text: String, context: String? = nil) throws -> (access: ClusterAccess, folder: String) {
        let folder = try TemporaryFolder()
        let path = try folder.write("config", text)
        return (try Kubeconfig(path: path, doing: "test").access(context: context, doing: "test"), folder.path)
    }

    @Test("of a kubeconfig is what its current context says")
    func current() throws {
        let roots = Data("roots".utf8).base64EncodedString()
        let found = try access(
            config(
                user: "token: t",
                cluster: "server: https://k:6443/, certificate-authority-data: \(roots), tls-server-name: kubernetes")
        ).access
        #expect(found.server == "https://k:6443")
        #expect(found.roots == .text("roots"))
        #expect(found.identity == .token(.text("t")))
        #expect(found.serverName == "kubernetes")
        #expect(found.namespace == "mesh")
    }

    @Test("finds files beside the kubeconfig")
    func files() throws {
        let (found, folder) = try access(
            config(
                user: "client-certificate: c.pem, client-key: /k.pem",
                cluster: "server: https://k, certificate-authority: ca.pem"))
        #expect(found.roots == .file("\(folder)/ca.pem"))
        #expect(found.identity == .certificate(chain: .file("\(folder)/c.pem"), key: .file("/k.pem")))
    }

    @Test("takes the token file before the token, for it is the one that is renewed")
    func tokenFile() throws {
        let found = try access(config(user: "token: t, tokenFile: /token")).access
        #expect(found.identity == .token(.file("/token")))
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("exec: {command: aws}", "server: https://k", "program"),
            ("auth-provider: {name: gcp}", "server: https://k", "program"),
            ("username: a, password: b", "server: https://k", "passwords"),
            ("as: admin", "server: https://k", "somebody else"),
            ("client-key: k", "server: https://k", "without a certificate"),
            ("client-certificate: k", "server: https://k", "without a key"),
            ("client-certificate-data: '!', client-key: k", "server: https://k", "base64"),
            ("token: t", "server: https://k, insecure-skip-tls-verify: true", "not verified"),
            ("token: t", "server: https://k, proxy-url: http://p", "proxy"),
            ("token: t", "server: k", "no http or https URL"),
            ("token: t", "tls-server-name: x", "names no server"),
        ])
    func refused(user: String, cluster: String, reason: String) throws {
        let failure = #expect(throws: MeshFailure.self) { try access(config(user: user, cluster: cluster)) }
        #expect(failure?.reason.contains(reason) == true, "\(String(describing: failure))")
    }

    @Test(
        "names the context or cluster that is missing",
        arguments: [("x", "context \"x\""), ("broken", "cluster \"nowhere\"")])
    func missing(context: String, reason: String) throws {
        let failure = #expect(throws: MeshFailure.self) { try access(config(user: "token: t"), context: context) }
        #expect(failure?.reason.contains(reason) == true)
    }

    @Test(
        "in a pod comes from the environment and the kubelet's folder",
        arguments: [("10.0.0.1", "10.0.0.1"), ("fd00::1", "[fd00::1]")])
    func inCluster(host: String, written: String) throws {
        let folder = try TemporaryFolder()
        for (name, text) in [("token", "t"), ("ca.crt", "roots"), ("namespace", "istio-system")] {
            try folder.write(name, text)
        }
        let environment = ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"]
        let found = try ClusterAccess.inCluster(environment: environment, folder: folder.path, doing: "test")
        #expect(found.server == "https://\(written):443")
        #expect(found.identity == .token(.file("\(folder.path)/token")))
        #expect(found.namespace == "istio-system")
    }

    @Test("outside a pod says so", arguments: [[:], ["KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "x"]])
    func outside(environment: [String: String]) {
        let failure = #expect(throws: MeshFailure.self) {
            try ClusterAccess.inCluster(environment: environment, doing: "test")
        }
        #expect(failure?.kind == .notFound)
    }
}

@Suite("TLS to the API server")
struct AccessTLSTests {
    struct Pair {
        let certificate: Certificate
        let key: Certificate.PrivateKey
        var pem: String { get throws { try certificate.serializeAsPEM().pemString } }
        var keyPEM: String { get throws { try key.serializeAsPEM().pemString } }

        init(_ name: String, issuer: Pair? = nil, names: [GeneralName] = []) throws {
            key = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let subject = try DistinguishedName { CommonName(name) }
            certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: Date() - 3600, notValidAfter: Date() + 3600,
                issuer: issuer?.certificate.subject ?? subject, subject: subject,
                extensions: Certificate.Extensions {
                    Critical(
                        issuer == nil
                            ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority)
                    SubjectAlternativeNames(names)
                },
                issuerPrivateKey: issuer?.key ?? key)
        }
    }

    private func serving(
        names: [GeneralName], _ body: @Sendable (Pair, String, FakeAPIServer) async throws -> Void
    ) async throws {
        let root = try Pair("root")
        let server = try Pair("server", issuer: root, names: names)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(server.pem.utf8), format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(server.keyPEM.utf8), format: .pem)))
        tls.certificateVerification = .optionalVerification
        tls.trustRoots = .certificates([try NIOSSLCertificate(bytes: Array(root.pem.utf8), format: .pem)])
        try await FakeAPIServer.serving(tls: tls, answer: { _ in .json("{}") }) { fake, url in
            try await body(root, url, fake)
        }
    }

    @Test("shows the client certificate, and trusts the given roots only")
    func certificate() async throws {
        let loopback = GeneralName.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))
        try await serving(names: [loopback]) { root, url, fake in
            let client = try Pair("client", issuer: root)
            let identity = ClusterAccess.Identity.certificate(
                chain: .text(try client.pem), key: .text(try client.keyPEM))
            let access = ClusterAccess(server: url, roots: .text(try root.pem), identity: identity)
            try await withClient(access) { _ = try await $0.get(path: "/x") }
            #expect(fake.all.map(\.hasCertificate) == [true])
            for roots in [ClusterAccess.Source.text(try Pair("other").pem), nil] {
                let error = await #expect(throws: KubernetesError.self) {
                    try await withClient(ClusterAccess(server: url, roots: roots)) { _ = try await $0.get(path: "/x") }
                }
                guard case .connection = error else { throw CancellationError() }
            }
            #expect(fake.all.count == 1)
        }
    }

    @Test("finds the server by its tls-server-name, and refuses another name")
    func serverName() async throws {
        try await serving(names: [.dnsName("kubernetes.default")]) { root, url, fake in
            let roots = ClusterAccess.Source.text(try root.pem)
            let named = ClusterAccess(server: url, roots: roots, serverName: "kubernetes.default")
            try await withClient(named) { _ = try await $0.get(path: "/x") }
            await #expect(throws: KubernetesError.self) {
                try await withClient(ClusterAccess(server: url, roots: roots)) { _ = try await $0.get(path: "/x") }
            }
            #expect(fake.all.count == 1)
        }
    }

    @Test("takes new roots from their file with the next call")
    func rotation() async throws {
        let loopback = GeneralName.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))
        try await serving(names: [loopback]) { root, url, _ in
            let folder = try TemporaryFolder()
            let file = try folder.write("ca.crt", try Pair("other").pem)
            try await withClient(ClusterAccess(server: url, roots: .file(file))) { client in
                await #expect(throws: KubernetesError.self) { _ = try await client.get(path: "/x") }
                try folder.write("ca.crt", try root.pem)
                _ = try await client.get(path: "/x")
            }
        }
    }

    @Test("says whose file is missing or broken, and never quotes a key")
    func broken() async throws {
        let missing = ClusterAccess(server: "https://127.0.0.1:1", identity: .token(.file("/nowhere/token")))
        await #expect(throws: KubernetesError.credentials("/nowhere/token does not exist")) {
            try await withClient(missing) { _ = try await $0.get(path: "/x") }
        }
        let junk = ClusterAccess(
            server: "https://127.0.0.1:1", identity: .certificate(chain: .text("x"), key: .text("SECRET")))
        let error = await #expect(throws: KubernetesError.self) {
            try await withClient(junk) { _ = try await $0.get(path: "/x") }
        }
        #expect(error.map { "\($0)" }?.contains("SECRET") == false)
    }
}
