import AsyncHTTPClient
package import MeshCore
package import MeshLinux
package import MeshTokens
import NIOCore
import NIOHTTP1
import NIOSSL

/// Gets the key sets of issuers over HTTP, for `KeyStore`.
///
/// A name is looked up here, its addresses are judged, and the connection goes to one that was judged: a name that
/// leads elsewhere a moment later gains nothing. No redirects, no proxy, no compression; certificates are verified for
/// the name. One connection for each fetch, since a source is asked every 20 minutes.
package struct KeyFetcher: Sendable {
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case lookup(host: String, why: String)
        case blocked(host: String, IPAddress)
        case status(UInt)
        case tooLong
        case timeout(Duration)
        case connection(String)

        package var description: String {
            switch self {
            case .lookup(let host, let why): "look up \(host): \(why)"
            case .blocked(let host, let ip): "\(host) has the address \(ip), from which keys are not fetched"
            case .status(let code) where (300...399).contains(code):
                "the answer is a redirect (\(code)), which is not followed; write the address that it leads to"
            case .status(let code): "the answer has status \(code), not 200"
            case .tooLong: "the answer is longer than \(KeySet.sizeLimit) bytes"
            case .timeout(let limit): "no whole answer within \(limit); raise the rule's timeout"
            case .connection(let why): "connect: \(why)"
            }
        }
    }

    package typealias Lookup = @Sendable (_ host: String) -> Result<[IPAddress], SystemResolver.Failure>

    /// Addresses of one name that are tried, one after the other.
    private static let addressLimit = 4

    private let tls: TLSConfiguration
    private let lookup: Lookup

    /// - Parameters:
    ///   - roots: certificates in PEM that servers are verified by; `nil` for those of the system.
    ///   - lookup: may block; runs on a thread of its own.
    /// - Throws: when `roots` holds no certificate.
    package init(
        roots: [UInt8]? = nil, lookup: @escaping Lookup = { SystemResolver.addresses(of: $0) }
    ) throws(MeshFailure) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let roots {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(roots), !certificates.isEmpty else {
                throw MeshFailure(
                    .corrupt, doing: "read trust roots for key sets", reason: "there is no PEM certificate in them")
            }
            tls.trustRoots = .certificates(certificates)
        }
        self.tls = tls
        self.lookup = lookup
    }

    package func fetch(_ request: KeyStore.Request) async throws -> [UInt8] {
        do {
            return try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask { try await get(request) }
                group.addTask {
                    try await Task.sleep(for: request.timeout)
                    throw Problem.timeout(request.timeout)
                }
                defer { group.cancelAll() }
                guard let first = try await group.next() else { throw Problem.timeout(request.timeout) }
                return first
            }
        } catch let problem as Problem {
            throw problem
        } catch is NIOTooManyBytesError {
            throw Problem.tooLong
        } catch {
            throw Problem.connection("\(error)")
        }
    }

    private func get(_ request: KeyStore.Request) async throws -> [UInt8] {
        let url = request.url
        let known: [IPAddress]
        if let ip = url.address { known = [ip] } else { known = try await addresses(of: url.host) }
        let allowed = known.filter { request.permits($0) }
        guard !allowed.isEmpty else { throw Problem.blocked(host: url.host, known[0]) }
        var failure: any Error = Problem.lookup(host: url.host, why: "it has no address")
        for ip in allowed.prefix(Self.addressLimit) {
            do {
                return try await get(url, at: ip, timeout: request.timeout)
            } catch let problem as Problem {
                throw problem
            } catch let error as NIOTooManyBytesError {
                throw error
            } catch {
                try Task.checkCancellation()
                failure = error
            }
        }
        throw failure
    }

    private func get(_ url: KeyURL, at ip: IPAddress, timeout: Duration) async throws -> [UInt8] {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(timeout)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        // Else a certificate that is refused would look like a server that does not answer.
        configuration.connectionPool.retryConnectionEstablishment = false
        if url.address == nil { configuration.dnsOverride = [url.host: ip.description] }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            var request = HTTPClientRequest(url: url.description)
            request.headers.add(name: "accept", value: "application/json")
            let response = try await client.execute(request, deadline: .now() + TimeAmount(timeout))
            guard response.status.code == 200 else { throw Problem.status(response.status.code) }
            let body = try await response.body.collect(upTo: KeySet.sizeLimit)
            try await client.shutdown()
            return Array(body.readableBytesView)
        } catch {
            // What went wrong first is what is told.
            try? await client.shutdown()
            throw error
        }
    }

    /// The system's resolver cannot be interrupted: whoever does not wait any more leaves its thread behind to finish.
    private func addresses(of host: String) async throws -> [IPAddress] {
        let (answers, answer) = AsyncStream.makeStream(of: Result<[IPAddress], SystemResolver.Failure>.self)
        let lookup = lookup
        try KernelThread.start("resolve keys") {
            answer.yield(lookup(host))
            answer.finish()
        }.detach()
        for await result in answers {
            switch result {
            case .success(let found) where !found.isEmpty: return found
            case .success, .failure(.noAddress):
                throw Problem.lookup(host: host, why: "the name has no address; correct the URL")
            case .failure(.other(let why)): throw Problem.lookup(host: host, why: why)
            }
        }
        throw CancellationError()
    }
}
