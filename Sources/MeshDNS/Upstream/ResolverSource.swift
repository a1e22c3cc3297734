import FoundationEssentials
import Logging
import MeshCore
import NIOCore

/// The upstream servers in force; looks at their file again when it is asked, and enough time has passed.
///
/// Isolation: one event loop. A small local file is read there; it is what every resolver does before a question.
final class ResolverSource {
    private(set) var current: ResolvConf
    private let path: String?
    private let interval: TimeAmount
    private let logger: Logger
    private var text: String?
    private var nextLook: NIODeadline
    /// Addresses that must not be among the servers.
    var listeners: [MeshCore.SocketAddress] = []

    init(_ settings: DNSSettings, logger: Logger, now: NIODeadline) {
        self.logger = logger
        interval = TimeAmount(settings.reloadInterval)
        nextLook = now + interval
        switch settings.upstream {
        case .fixed(let conf):
            path = nil
            current = conf
        case .file(let path):
            self.path = path
            text = Self.read(path)
            current = text.map(ResolvConf.init(parsing:)) ?? ResolvConf()
            report(current)
        }
    }

    var origin: String { path ?? "the settings" }

    /// True when the file has changed and its content is now in force.
    func refresh(now: NIODeadline) -> Bool {
        guard let path, now >= nextLook else { return false }
        nextLook = now + interval
        guard let fresh = Self.read(path), fresh != text else { return false }
        text = fresh
        let conf = ResolvConf(parsing: fresh)
        if let loop = conf.firstLoop(with: listeners) {
            logger.warning(
                "upstream servers not taken over",
                metadata: [LogKey.file: "\(path)", LogKey.reason: "nameserver \(loop) is this proxy itself"])
            return false
        }
        replace(conf)
        report(conf)
        return true
    }

    func replace(_ conf: ResolvConf) { current = conf }

    private func report(_ conf: ResolvConf) {
        if conf.servers.isEmpty {
            logger.warning(
                "no upstream server",
                metadata: [LogKey.file: "\(origin)", LogKey.reason: "only names of the mesh can be answered"])
        }
        for line in conf.ignored {
            logger.warning(
                "upstream server ignored",
                metadata: [
                    LogKey.file: "\(origin)",
                    LogKey.reason: "\"\(line)\" is no IP address, or one too many; \(ResolvConf.serverLimit) are used",
                ])
        }
    }

    /// `nil` when the file is not there, is too large, or is no text: what is in force stays.
    private static func read(_ path: String) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= ResolvConf.byteLimit else {
            return nil
        }
        return String(validating: data, as: UTF8.self)
    }
}
