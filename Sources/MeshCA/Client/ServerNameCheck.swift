import MeshCore
import NIOCore
import NIOSSL
import NIOTLS
import SwiftASN1
import X509

/// Ends a connection whose server does not have the expected DNS name, before anything is sent to it.
///
/// The TLS library is content with the IP address of the server when the name does not match. Then whoever can bend
/// name resolution needs no more than a certificate for an address of their own to be handed our token. RFC 6125,
/// section 6, has the name that the user gave decide.
final class ServerNameCheck: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    struct Mismatch: Error { let expected: String }

    private let expected: String
    private init(expected: String) { self.expected = expected }

    /// Puts the check behind the TLS handler of a client's channel. To be called on its event loop.
    static func install(on channel: any Channel, expecting name: String) throws {
        let pipeline = channel.pipeline.syncOperations
        let tls = try pipeline.handler(type: NIOSSLClientHandler.self)
        try pipeline.addHandler(ServerNameCheck(expected: name), position: .after(tls))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()?.toDERBytes()
            guard let certificate, Self.names(try Certificate(derEncoded: certificate), include: expected) else {
                throw Mismatch(expected: expected)
            }
            context.fireUserInboundEventTriggered(event)
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    static func names(_ certificate: Certificate, include name: String) -> Bool {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return false }
        return names.contains { entry in
            if case .dnsName(let pattern) = entry { matches(pattern.lowercased(), name.lowercased()) } else { false }
        }
    }

    /// A `*` stands for the whole first label, and only before two further ones. A final dot of the name is ignored.
    private static func matches(_ pattern: String, _ name: String) -> Bool {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        guard pattern.hasPrefix("*.") else { return name == pattern }
        let rest = pattern.dropFirst()
        guard rest.dropFirst().contains("."), let dot = name.firstIndex(of: "."), dot > name.startIndex else {
            return false
        }
        return name[dot...] == rest
    }
}
