import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// An HTTP server on a port of 127.0.0.1 that says what it is told to.
final class KeyServer: Sendable {
    enum Reply: Sendable {
        case whole(status: Int = 200, headers: [(String, String)] = [], body: String)
        /// Body that never ends.
        case endless
        /// A head that promises a body, and nothing more.
        case stalled
        /// Nothing at all.
        case silent
    }

    struct Seen: Sendable {
        let target: String
        let host: String?
    }

    /// Every request, in the order in which they came.
    final class Log: Sendable { let entries = Mutex<[Seen]>([]) }

    private let log = Log()
    private let channel: any Channel
    var seen: [Seen] { log.entries.withLock { $0 } }
    var port: Int { channel.localAddress?.port ?? 0 }

    init(tls: TLSConfiguration? = nil, _ reply: Reply) async throws {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ReplyHandler(reply, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }

    private final class ReplyHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let reply: Reply
        private let log: Log

        init(_ reply: Reply, _ log: Log) { (self.reply, self.log) = (reply, log) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                let seen = Seen(target: head.uri, host: head.headers.first(name: "host"))
                log.entries.withLock { $0.append(seen) }
            case .body: break
            case .end: answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            func head(_ status: Int, _ headers: [(String, String)]) {
                let head = HTTPResponseHead(
                    version: .http1_1, status: .init(statusCode: status), headers: HTTPHeaders(headers))
                context.write(wrapOutboundOut(.head(head)), promise: nil)
            }
            switch reply {
            case .silent: break
            case .stalled:
                head(200, [("content-length", "100")])
                context.flush()
            case .endless:
                head(200, [("transfer-encoding", "chunked")])
                more(context)
            case .whole(let status, let headers, let body):
                head(status, headers + [("content-length", String(body.utf8.count))])
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        /// Goes on until the client closes.
        private func more(_ context: ChannelHandlerContext) {
            let bytes = ByteBuffer(repeating: UInt8(ascii: " "), count: 65536)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes)))).whenSuccess {
                let (handler, context) = bound.value
                handler.more(context)
            }
        }
    }
}

/// A certificate that signs itself, for one name.
struct ServerCertificate {
    let pem: String
    let tls: TLSConfiguration

    init(name: String) throws {
        let key = P256.Signing.PrivateKey()
        let certificateKey = Certificate.PrivateKey(key)
        let subject = try DistinguishedName { CommonName(name) }
        let now = Date()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: certificateKey.publicKey,
            notValidBefore: now.addingTimeInterval(-60), notValidAfter: now.addingTimeInterval(3600),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName(name)])
            }, issuerPrivateKey: certificateKey)
        pem = try certificate.serializeAsPEM().pemString
        tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)))
    }
}
