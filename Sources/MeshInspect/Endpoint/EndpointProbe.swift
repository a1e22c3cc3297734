package import MeshCertificates
package import MeshCore
import MeshLinux
package import MeshTLS

/// Makes one handshake with a server and takes its certificates, whatever they are worth.
package struct EndpointProbe: Sendable {
    package struct Options: Sendable {
        /// For everything: look-up, connect, handshake, answer. Default 5 s.
        package var timeout: Duration = .seconds(5)
        /// Sent as SNI instead of the host's name, and looked for in the certificate.
        package var serverName: String?
        /// Shown to a server that asks.
        package var certificate: HandshakeProbe.ClientCertificate?
        package init() {}
    }

    private let address: EndpointAddress
    private let options: Options
    private let deadline: Deadline

    private init(_ address: EndpointAddress, _ options: Options) {
        self.address = address
        self.options = options
        deadline = Deadline(options.timeout)
    }

    /// Blocks until the certificates are there or the time is over.
    /// - Throws: `.unavailable` or `.timeout` when the server sent no certificate; `.usage` for a client certificate
    ///   that cannot be used.
    package static func run(
        _ address: EndpointAddress, _ options: Options, doing: String
    ) throws(MeshFailure) -> Inspection.Subject {
        let probe = EndpointProbe(address, options)
        do throws(Trouble) {
            return try probe.look()
        } catch {
            throw MeshFailure(error.kind, doing: doing, reason: "\(address): \(PrintableText.message(error.reason))")
        }
    }

    private struct Trouble: Error {
        let kind: MeshFailure.Kind
        let reason: String
    }

    /// HTTP/2 connection preface and an empty SETTINGS frame, which make a silent server answer. RFC 9113 section 3.4.
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

    private func look() throws(Trouble) -> Inspection.Subject {
        let name = options.serverName ?? (IPAddress(address.host) == nil ? address.host : nil)
        let handshake: HandshakeProbe
        do throws(TLSError) {
            handshake = try HandshakeProbe(
                serverName: name, protocols: address.scheme.protocols, certificate: options.certificate)
        } catch {
            throw Trouble(kind: .usage, reason: "\(error)")
        }
        let connection = try connect()
        defer { Kernel.close(connection) }
        let failure = handshakeFailure(handshake, connection)
        guard !handshake.chain.isEmpty else {
            let text = failure?.reason ?? "the server sent no certificate"
            throw Trouble(kind: failure?.kind ?? .unavailable, reason: text)
        }
        var (judgement, complaint) = (EndpointFacts.ClientCertificate.notAsked, failure?.reason)
        if failure == nil {
            (judgement, complaint) = clientJudgement(handshake, connection)
        } else if handshake.wasAsked {
            judgement = .refused
        }
        let facts = EndpointFacts(
            address: "\(address)", serverName: name, protocolVersion: handshake.protocolVersion,
            cipherSuite: handshake.cipherSuite, applicationProtocol: handshake.applicationProtocol,
            clientCertificate: judgement, failure: complaint)
        return Inspection.Subject(
            CertificateBytes.presented(handshake.chain, by: "\(address)"), endpoint: facts,
            expectedName: address.scheme == .hbone && options.serverName == nil ? nil : name ?? address.host)
    }

    // MARK: Connection

    private func connect() throws(Trouble) -> Int32 {
        var last = "it has no address"
        for ip in try addresses() {
            let target = SocketAddress(ip, address.port)
            let (descriptor, _) = TCPSocket.connect(target, from: nil, options: SocketOptions())
            guard descriptor >= 0 else {
                last = "connect to \(target): \(KernelError.text(-descriptor))"
                continue
            }
            guard Kernel.wait(descriptor, writable: true, milliseconds: deadline.milliseconds) else {
                Kernel.close(descriptor)
                throw Trouble(kind: .timeout, reason: "connect to \(target): no answer in \(options.timeout)")
            }
            let refused = Kernel.pendingError(descriptor)
            if refused == 0 { return descriptor }
            Kernel.close(descriptor)
            last = "connect to \(target): \(KernelError.text(refused))"
        }
        throw Trouble(kind: .unavailable, reason: last)
    }

    private func addresses() throws(Trouble) -> [IPAddress] {
        if let ip = IPAddress(address.host) { return [ip] }
        switch LookUp.addresses(of: address.host, milliseconds: deadline.milliseconds) {
        case .success(let found)?: return found
        case .failure(.noAddress)?: throw Trouble(kind: .unavailable, reason: "the name has no address")
        case .failure(.other(let reason))?: throw Trouble(kind: .unavailable, reason: "look-up of the name: \(reason)")
        case nil: throw Trouble(kind: .timeout, reason: "look-up of the name: no answer in \(options.timeout)")
        }
    }

    // MARK: Handshake

    private func handshakeFailure(_ handshake: HandshakeProbe, _ connection: Int32) -> Trouble? {
        var step = handshake.handshake([])
        while true {
            if let trouble = flush(handshake, connection) {
                if case .failed(let reason) = step { return Trouble(kind: .unavailable, reason: "\(reason)") }
                return trouble
            }
            switch step {
            case .established: return nil
            case .failed(let reason): return Trouble(kind: .unavailable, reason: "\(reason)")
            case .wantsInput: break
            }
            switch receive(connection) {
            case .bytes(let bytes): step = handshake.handshake(bytes)
            case .end(let reason):
                return Trouble(kind: .unavailable, reason: "the server hung up in the handshake\(reason)")
            case .late: return Trouble(kind: .timeout, reason: "no answer in \(options.timeout) in the handshake")
            }
        }
    }

    /// In TLS 1.3 a server refuses our certificate after our own handshake is done, so its next word is awaited.
    private func clientJudgement(
        _ handshake: HandshakeProbe, _ connection: Int32
    ) -> (EndpointFacts.ClientCertificate, String?) {
        guard handshake.wasAsked else { return (.notAsked, nil) }
        let unknown: EndpointFacts.ClientCertificate = options.certificate == nil ? .asked : .unanswered
        if handshake.applicationProtocol == "h2" { _ = handshake.send(Self.preface) }
        _ = flush(handshake, connection)
        var input: [UInt8] = []
        while true {
            switch handshake.receive(input) {
            case .data: return (options.certificate == nil ? .asked : .accepted, nil)
            case .closed: return (unknown, nil)
            case .failed(let reason): return (.refused, "\(reason)")
            case .wantsInput: break
            }
            guard case .bytes(let more) = receive(connection) else { return (unknown, nil) }
            input = more
        }
    }

    private enum Received { case bytes([UInt8]), end(String), late }

    private func receive(_ connection: Int32) -> Received {
        while true {
            guard Kernel.wait(connection, writable: false, milliseconds: deadline.milliseconds) else { return .late }
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, filled in
                if let base = buffer.baseAddress { count = unsafe Kernel.receive(connection, base, buffer.count) }
                filled = max(0, count)
            }
            if count > 0 { return .bytes(bytes) }
            if count == -Kernel.again { continue }
            return .end(count == 0 ? "" : ": \(KernelError.text(Int32(-count)))")
        }
    }

    /// Sends all that waits; `nil` when that worked.
    private func flush(_ handshake: HandshakeProbe, _ connection: Int32) -> Trouble? {
        var rest = handshake.takeOutput()[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe Kernel.send(connection, base, bytes.count)
            }
            if count == -Kernel.again {
                guard Kernel.wait(connection, writable: true, milliseconds: deadline.milliseconds) else {
                    return Trouble(kind: .timeout, reason: "the server does not read, \(options.timeout) are over")
                }
                continue
            }
            guard count > 0 else {
                return Trouble(kind: .unavailable, reason: "send: \(KernelError.text(Int32(-count)))")
            }
            rest = rest.dropFirst(count)
        }
        return nil
    }
}

/// A moment of the monotonic clock.
private struct Deadline {
    private let moment: UInt64

    init(_ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        let nanoseconds = UInt64(clamping: max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
        let wait = nanoseconds.overflow ? .max : nanoseconds.partialValue
        let (sum, isLate) = Kernel.monotonicNanoseconds().addingReportingOverflow(wait)
        moment = isLate ? .max : sum &+ UInt64(clamping: attoseconds / 1_000_000_000)
    }

    /// What is left, rounded up so that nobody spins at the end; 0 when it is over.
    var milliseconds: Int32 {
        let now = Kernel.monotonicNanoseconds()
        return now >= moment ? 0 : Int32(clamping: (moment - now) / 1_000_000 + 1)
    }
}
