import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
package import MeshCore
import NIOCore
package import NIOPosix

/// Asks an Istio certificate authority for certificates.
///
/// Each request opens a connection and closes it: renewals are rare, and an idle connection would cost every node
/// memory and the authority a socket. Files are read for each request, so that rotated tokens and roots count at once.
package struct CertificateClient: CertificateSource {
    package var endpoint: CAEndpoint
    /// File with a bearer token; `nil` sends none.
    package var tokenFile: String?
    /// Sent as `clusterid`, if there is a token.
    package var clusterID: String?
    /// Further metadata, name and value.
    package var headers: [(name: String, value: String)]
    /// From the first packet to the last.
    package var deadline: Duration = .seconds(10)
    private let clock: any WallClock
    private let group: MultiThreadedEventLoopGroup

    package init(
        endpoint: CAEndpoint, tokenFile: String?, clusterID: String? = nil,
        headers: [(name: String, value: String)] = [], clock: any WallClock = SystemWallClock(),
        group: MultiThreadedEventLoopGroup = ControlEventLoop.group
    ) {
        self.endpoint = endpoint
        self.tokenFile = tokenFile
        self.clusterID = clusterID
        self.headers = headers
        self.clock = clock
        self.group = group
    }

    package func issue(
        identity: SPIFFEID, ttl: Duration, impersonate: Bool
    ) async throws(CertificateError) -> IssuedCertificate {
        let key: KeyAndRequest
        do {
            key = try KeyAndRequest(for: identity)
        } catch {
            throw .signingRequest(reason: "\(error)")
        }
        let request = IstioCertificateRequest(
            csr: key.requestPEM, validityDuration: ttl.components.seconds,
            impersonatedIdentity: impersonate ? "\(identity)" : nil)
        let reply = try await send(request, metadata: try metadata(), roots: try roots())
        return try CertificateReply.check(reply.certChain, identity: identity, key: key, now: clock.seconds)
    }

    private func metadata() throws(CertificateError) -> Metadata {
        var metadata: Metadata = [:]
        if let tokenFile {
            do {
                let token = try TokenFile.token(of: try FileReading.text(tokenFile))
                metadata.addString("Bearer \(token)", forKey: "authorization")
            } catch {
                throw .token(path: tokenFile, reason: "\(error)")
            }
            if let clusterID { metadata.addString(clusterID, forKey: "clusterid") }
        }
        for header in headers { metadata.addString(header.value, forKey: header.name) }
        return metadata
    }

    /// PEM of the configured roots; `nil` for those of this machine.
    private func roots() throws(CertificateError) -> String? {
        do {
            let text: String
            switch endpoint.trust {
            case .system: return nil
            case .pem(let pem): text = pem
            case .file(let path): text = try FileReading.text(path)
            }
            guard try !PEM.certificates(text).isEmpty else { throw PEMLabelError(found: "nothing") }
            return text
        } catch {
            throw .trustBundle(reason: "\(error)")
        }
    }

    private func send(
        _ request: IstioCertificateRequest, metadata: Metadata, roots: String?
    ) async throws(CertificateError) -> IstioCertificateResponse {
        let limit = deadline
        do {
            return try await withThrowingTaskGroup(of: IstioCertificateResponse?.self) { group in
                group.addTask { try await self.call(request, metadata: metadata, roots: roots) }
                group.addTask {
                    try await Task.sleep(for: limit)
                    return nil
                }
                defer { group.cancelAll() }
                guard let reply = try await group.next().flatMap({ $0 }) else {
                    throw CertificateError.timeout(endpoint: "\(endpoint)", seconds: limit.components.seconds)
                }
                return reply
            }
        } catch let error as CertificateError {
            throw error
        } catch {
            throw Task.isCancelled ? .cancelled : CallFailure.reading(error, endpoint: endpoint, deadline: limit)
        }
    }

    private func call(
        _ request: IstioCertificateRequest, metadata: Metadata, roots: String?
    ) async throws -> IstioCertificateResponse {
        let port = Int(endpoint.port)
        let target: any ResolvableTarget =
            switch IPAddress(endpoint.host) {
            case let ip? where ip.isV4: .ipv4(address: "\(ip)", port: port)
            case let ip?: .ipv6(address: "\(ip)", port: port)
            case nil: .dns(host: endpoint.host, port: port)
            }
        let transport = try HTTP2ClientTransport.Posix(
            target: target,
            transportSecurity: .tls { tls in
                tls.serverCertificateVerification = .fullVerification
                if let roots { tls.trustRoots = .certificates([.bytes(Array(roots.utf8), format: .pem)]) }
            },
            config: .defaults { config in
                config.http2.authority = endpoint.serverName
                if let name = endpoint.expectedName {
                    config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try ServerNameCheck.install(on: channel, expecting: name)
                        }
                    }
                }
            },
            eventLoopGroup: group)
        return try await withGRPCClient(transport: transport) { client in
            var options = CallOptions.defaults
            options.timeout = deadline
            // A connection that cannot be made is an answer; trying again is the renewal's affair.
            options.waitForReady = false
            return try await client.unary(
                request: ClientRequest(message: request, metadata: metadata),
                descriptor: CreateCertificateMethod.descriptor,
                serializer: ProtobufSerializer<IstioCertificateRequest>(),
                deserializer: ProtobufDeserializer<IstioCertificateResponse>(),
                options: options
            ) { response in try response.message }
        }
    }
}
