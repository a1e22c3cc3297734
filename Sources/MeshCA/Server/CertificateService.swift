import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf

/// `istio.v1.auth.IstioCertificateService` in front of the decision.
struct CertificateService: RegistrableRPCService {
    let issuance: CertificateIssuance

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: CreateCertificateMethod.descriptor,
            deserializer: ProtobufDeserializer<IstioCertificateRequest>(),
            serializer: ProtobufSerializer<IstioCertificateResponse>()
        ) { request, context in
            let single = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: await answer(single, context))
        }
    }

    private func answer(
        _ request: ServerRequest<IstioCertificateRequest>, _ context: ServerContext
    ) async -> ServerResponse<IstioCertificateResponse> {
        var credentials = PresentedCredentials()
        credentials.authorization = Array(request.metadata[stringValues: "authorization"])
        let clusters = Array(request.metadata[stringValues: "clusterid"])
        credentials.clusterID = clusters.count == 1 ? clusters[0] : ""
        credentials.peer = context.remotePeer
        let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context
        credentials.certificate = transport?.peerCertificate
        do {
            return ServerResponse(message: try await issuance.create(request.message, by: credentials))
        } catch {
            return ServerResponse(error: RPCError(error))
        }
    }
}

extension RPCError {
    fileprivate init(_ refusal: Refusal) {
        let (code, message) = refusal.status
        switch code {
        case .unauthenticated: self.init(code: .unauthenticated, message: message)
        case .invalidArgument: self.init(code: .invalidArgument, message: message)
        case .internalError: self.init(code: .internalError, message: message)
        case .resourceExhausted: self.init(code: .resourceExhausted, message: message)
        case .unavailable: self.init(code: .unavailable, message: message)
        }
    }
}
