import MeshCore
import MeshWire
import NIOCore

/// Why a question got no answer from upstream.
enum ForwardFailure: Error, Equatable, CustomStringConvertible {
    case noServers(origin: String)
    case tooMany(limit: Int)
    /// The question is one of our own that came back.
    case loop
    /// The last thing that went wrong, with the server that it went wrong with.
    case network(MeshCore.SocketAddress, String)
    case timedOut(servers: [MeshCore.SocketAddress])
    case stopped

    var description: String {
        switch self {
        case .noServers(let origin): "there is no upstream server in \(origin)"
        case .tooMany(let limit): "\(limit) questions wait for upstream already"
        case .loop:
            "this question is our own and came back; is SO_MARK set (PACKET_MARK), so that it is not redirected to us?"
        case .network(let server, let reason): "\(server): \(reason)"
        case .timedOut(let servers):
            "no answer in time from \(Set(servers).map(\.description).sorted().joined(separator: ", "))"
        case .stopped: "the proxy was stopped"
        }
    }
}

/// Asks upstream servers, a bounded number of questions at a time.
///
/// Isolation: one event loop.
final class Forwarder {
    struct Question {
        /// The client's bytes; all but their id is sent as it is.
        var bytes: [UInt8]
        var header: DNSHeader
        var asked: DNSQuestion
        /// A truncated reply is asked for again over TCP; else the client does so itself.
        var needsWhole: Bool
        /// Largest UDP payload that the question allows.
        var payload: Int
    }
    typealias Reply = Result<(bytes: [UInt8], server: MeshCore.SocketAddress), ForwardFailure>

    let eventLoop: any EventLoop
    let settings: DNSSettings
    let source: ResolverSource
    private var exchanges: [ObjectIdentifier: Exchange] = [:]
    /// By local port of their sockets.
    private var ports: [Int: Exchange] = [:]
    private var isStopped = false

    init(_ settings: DNSSettings, source: ResolverSource, eventLoop: any EventLoop) {
        self.settings = settings
        self.source = source
        self.eventLoop = eventLoop
    }

    var outstanding: Int { exchanges.count }

    /// - Parameter done: is called once, perhaps before this returns.
    func forward(_ question: Question, done: @escaping (Reply) -> Void) {
        let conf = source.current
        if isStopped { return done(.failure(.stopped)) }
        if conf.servers.isEmpty { return done(.failure(.noServers(origin: source.origin))) }
        guard exchanges.count < settings.outstandingLimit else {
            return done(.failure(.tooMany(limit: settings.outstandingLimit)))
        }
        let exchange = Exchange(question, conf, self, done)
        exchanges[ObjectIdentifier(exchange)] = exchange
        exchange.begin()
    }

    /// True when the question was sent by us: it comes from a port of ours, with the id that we chose.
    func isOwn(_ header: DNSHeader, _ asked: DNSQuestion, fromPort port: Int?) -> Bool {
        guard let port, let exchange = ports[port] else { return false }
        return exchange.id == header.id && exchange.question.asked == asked
    }

    func stop() {
        isStopped = true
        for exchange in Array(exchanges.values) { exchange.finish(.failure(.stopped)) }
    }

    // What an exchange tells.

    func opened(_ exchange: Exchange, port: Int) { ports[port] = exchange }
    func closed(_ exchange: Exchange, port: Int) { if ports[port] === exchange { ports[port] = nil } }
    func ended(_ exchange: Exchange) { exchanges[ObjectIdentifier(exchange)] = nil }
}
