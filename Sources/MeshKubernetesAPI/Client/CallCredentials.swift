import MeshCore
import NIOCore
import NIOSSL
import Synchronization

/// What a call needs to be believed, from files as they are now.
struct CallCredentials: Sendable {
    let token: String?
    let tls: TLSConfiguration?
}

/// Reads the files of an access for each call, and makes a new TLS configuration only when one of them changed:
/// connections are pooled by it.
final class CredentialSource: Sendable {
    private struct Material: Hashable {
        var roots: String?
        var chain: String?
        var key: String?
    }
    private struct Made {
        let material: Material
        let tls: TLSConfiguration
    }

    private let access: ClusterAccess
    private let last = Mutex<Made?>(nil)

    init(_ access: ClusterAccess) { self.access = access }

    func current() throws(KubernetesError) -> CallCredentials {
        var token: String?
        var material = Material()
        do {
            switch access.identity {
            case .anonymous: break
            case .token(let source):
                let text = try source.read()
                guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                    throw CredentialFile.Problem(description: "the token is not one word of printable ASCII")
                }
                token = text
            case .certificate(let chain, let key):
                material.chain = try chain.read()
                material.key = try key.read()
            }
            material.roots = try access.roots?.read()
        } catch {
            throw .credentials("\(error)")
        }
        let isEncrypted = access.server.lowercased().hasPrefix("https://")
        return CallCredentials(token: token, tls: isEncrypted ? try tls(material) : nil)
    }

    private func tls(_ material: Material) throws(KubernetesError) -> TLSConfiguration {
        let made = last.withLock { $0 }
        if let made, made.material == material { return made.tls }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        do {
            if let roots = material.roots {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
            }
        } catch {
            throw .credentials("roots of the API server hold no certificate in PEM")
        }
        do {
            if let chain = material.chain, let key = material.key {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8)).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
            }
        } catch {
            // The library's own words could quote the key.
            throw .credentials("client certificate or key is not PEM")
        }
        let fresh = tls
        last.withLock { $0 = Made(material: material, tls: fresh) }
        return fresh
    }
}
