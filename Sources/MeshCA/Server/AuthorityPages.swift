package import MeshCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// What a served authority shows to anybody, over HTTP in the clear: health, readiness, metrics, the bundle of roots and
/// the revocation lists. Nothing secret, nothing that changes anything.
package final class AuthorityPages: Sendable {
    private let issuance: CertificateIssuance
    private let ready = Atomic(false)
    private let channel = Mutex<(any Channel)?>(nil)

    /// Connections that are open at once; one more is closed.
    private static let connectionLimit = 64
    private static let idleLimit: TimeAmount = .seconds(30)

    package init(_ issuance: CertificateIssuance) { self.issuance = issuance }

    package var isReady: Bool {
        get { ready.load(ordering: .relaxed) }
        set { ready.store(newValue, ordering: .relaxed) }
    }

    /// - Returns: the bound address.
    /// - Throws: `.unavailable` when it cannot be bound.
    package func listen(on address: MeshCore.SocketAddress?) async throws(MeshFailure) -> MeshCore.SocketAddress? {
        guard let address else { return nil }
        let connections = OpenConnections(limit: Self.connectionLimit)
        let pages = self
        do {
            let channel = try await ServerBootstrap(group: ControlEventLoop.group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard connections.admits(channel) else { throw ChannelError.operationUnsupported }
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idleLimit))
                        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                        try pipeline.addHandler(PageHandler(pages))
                    }
                }
                .bind(host: "\(address.ip)", port: Int(address.port)).get()
            self.channel.withLock { $0 = channel }
            let port = channel.localAddress?.port ?? Int(address.port)
            return MeshCore.SocketAddress(address.ip, UInt16(truncatingIfNeeded: port))
        } catch {
            throw MeshFailure(.unavailable, doing: "serve HTTP on \(address)", reason: "\(error)")
        }
    }

    package func close() async {
        let channel = channel.withLock { $0.take() }
        try? await channel?.close().get()
    }

    struct Page: Sendable {
        var status: HTTPResponseStatus = .ok
        var type = "text/plain; charset=utf-8"
        var body: String
    }

    /// The page of a path without its query.
    func page(_ path: Substring) -> Page {
        let authority = issuance.authority
        switch path {
        case "/healthz": return Page(body: "ok\n")
        case "/healthz/ready": return readiness(authority)
        case "/metrics":
            let text = issuance.metrics.text(
                authority, inFlight: issuance.admission.current, audited: issuance.audit?.chain.sequence,
                now: issuance.clock.seconds)
            return Page(type: "text/plain; version=0.0.4; charset=utf-8", body: text)
        case "/bundle": return Page(type: "application/x-pem-file", body: authority.material.rootPEM)
        case "/crl":
            let lists = authority.material.revocationPEM
            guard !lists.isEmpty else {
                return Page(status: .notFound, body: "this authority has no revocation list\n")
            }
            return Page(type: "application/x-pem-file", body: lists)
        default:
            return Page(
                status: .notFound, body: "pages are /healthz, /healthz/ready, /metrics, /bundle and /crl\n")
        }
    }

    /// Ready means that a request now could be answered with a certificate.
    private func readiness(_ authority: CertificateAuthority) -> Page {
        guard isReady else { return Page(status: .serviceUnavailable, body: "not listening yet\n") }
        let now = issuance.clock.seconds
        guard now < authority.signerSummary.notAfter else {
            return Page(status: .serviceUnavailable, body: "the signing certificate expired\n")
        }
        if let reason = issuance.callers.obstacle {
            return Page(status: .serviceUnavailable, body: "callers cannot be told yet: \(reason)\n")
        }
        if let reason = issuance.audit?.failure {
            return Page(status: .serviceUnavailable, body: "the audit log is not written: \(reason)\n")
        }
        return Page(body: "ready\n")
    }
}

private final class PageHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: AuthorityPages
    private var head: HTTPRequestHead?

    init(_ pages: AuthorityPages) { self.pages = pages }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let isRead = request.method == .GET || request.method == .HEAD
        let path = request.uri.prefix { $0 != "?" }
        let page =
            isRead
            ? pages.page(path) : AuthorityPages.Page(status: .methodNotAllowed, body: "these pages are only read\n")
        let body = context.channel.allocator.buffer(string: page.body)
        let headers: HTTPHeaders = [
            "content-type": page.type, "content-length": "\(body.readableBytes)", "cache-control": "no-store",
        ]
        let head = HTTPResponseHead(version: request.version, status: page.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let sent = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        guard !request.isKeepAlive else { return }
        let channel = context.channel
        sent.whenComplete { _ in channel.close(promise: nil) }
    }
}
