import ArgumentParser
import Glibc
import MeshCA
import MeshCore

/// A lifetime such as `90d`, `24h`, `30m`, `45s`, or several of them largest first, such as `1h30m`.
struct LifetimeArgument: ExpressibleByArgument, Equatable {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    /// `nil` for anything else: zero, signs, spaces, a bare number, or more than fits.
    init?(argument: String) {
        var total: Int64 = 0
        var rest = argument[...]
        var units: [(name: Character, seconds: Int64)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits), let name = rest.dropFirst(digits.count).first,
                let index = units.firstIndex(where: { $0.name == name })
            else { return nil }
            let (part, isTooLarge) = number.multipliedReportingOverflow(by: units[index].seconds)
            let (sum, isTooMuch) = total.addingReportingOverflow(part)
            guard !isTooLarge, !isTooMuch else { return nil }
            total = sum
            units.removeSubrange(...index)
            rest = rest.dropFirst(digits.count + 1)
        }
        guard total > 0 else { return nil }
        seconds = total
    }

    var defaultValueDescription: String {
        let units: [(name: String, seconds: Int64)] = [("d", 86400), ("h", 3600), ("m", 60)]
        // Hours up to two days, as everybody writes 24h.
        let unit = units.first { seconds % $0.seconds == 0 && seconds >= 2 * $0.seconds }
        return unit.map { "\(seconds / $0.seconds)\($0.name)" } ?? "\(seconds)s"
    }
}

/// Arguments of the `ca` commands as mesh values.
enum AuthorityArguments {
    static func trustDomain(_ text: String) throws(MeshFailure) -> TrustDomain {
        do {
            return try TrustDomain(parsing: text)
        } catch {
            throw MeshFailure(.usage, doing: "read the trust domain", reason: "\(error)")
        }
    }

    static func identity(_ text: String) throws(MeshFailure) -> SPIFFEID {
        do {
            return try SPIFFEID(parsing: text)
        } catch {
            throw MeshFailure(.usage, doing: "read the identity", reason: "\(error)")
        }
    }

    /// The text of a file, such as a signing request.
    static func text(_ path: String) throws(MeshFailure) -> String {
        do {
            return try FileReading.text(path)
        } catch {
            throw MeshFailure(
                error.isNotFound ? .notFound : .unavailable, doing: "read \(path)", reason: "\(error)")
        }
    }

    /// Who uses the command, for the audit log.
    static var caller: String { "local user \(getuid())" }

    static func address(_ text: String) throws(MeshFailure) -> SocketAddress {
        guard let address = SocketAddress(text) else {
            throw MeshFailure(
                .usage, doing: "read the address to listen on",
                reason: "\"\(text)\" is not address:port, such as 127.0.0.1:15012 or [::]:15012")
        }
        return address
    }
}
