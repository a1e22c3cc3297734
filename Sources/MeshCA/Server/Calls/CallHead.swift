package import NIOCore
package import NIOHPACK

/// The headers of a request, as far as a call is concerned.
package struct CallHead: Hashable {
    package var authorization: [String] = []
    /// Of the header `clusterid`, when there is one value; empty otherwise.
    package var clusterID = ""
    /// How long the caller waits.
    package var timeout: TimeAmount?

    /// Why a request is no call of ours.
    package enum Refusal: Error, Hashable {
        /// Nobody who speaks gRPC: answered in HTTP.
        case http(status: String)
        case status(CallStatus)
    }

    /// - Parameter path: of the one method that is served.
    package init(_ headers: HPACKHeaders, path: String) throws(Refusal) {
        var (method, asked, type, encoding) = ("", "", "", "identity")
        var clusters: [String] = []
        for header in headers {
            switch header.name {
            case ":method": method = header.value
            case ":path": asked = header.value
            case "content-type": type = header.value
            case "grpc-encoding": encoding = header.value
            case "grpc-timeout": timeout = try Self.timeout(header.value)
            case "authorization": authorization.append(header.value)
            case "clusterid": clusters.append(header.value)
            default: break
            }
        }
        guard method == "POST" else { throw .http(status: "405") }
        guard Self.isGRPC(type) else { throw .http(status: "415") }
        guard asked == path else {
            throw .status(CallStatus(.unimplemented, "no method \(asked.prefix(200))"))
        }
        guard encoding == "identity" else {
            throw .status(
                CallStatus(.unimplemented, "compression \(encoding.prefix(40)) is not understood"))
        }
        if clusters.count == 1 { clusterID = clusters[0] }
    }

    private static func isGRPC(_ type: String) -> Bool {
        let name = "application/grpc"
        return type == name || type.hasPrefix("\(name)+proto") || type.hasPrefix("\(name);")
    }

    /// Who says that he waits longer than a day waits a day: a number that no clock overflows at.
    private static let longest: Int64 = 86_400_000_000_000

    /// Up to eight digits and a unit.
    private static func timeout(_ text: String) throws(Refusal) -> TimeAmount {
        let digits = text.dropLast()
        guard (1...8).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let count = Int64(digits), let unit = text.last
        else { throw .status(malformed(text)) }
        let nanoseconds: Int64
        switch unit {
        case "H": nanoseconds = 3_600_000_000_000
        case "M": nanoseconds = 60_000_000_000
        case "S": nanoseconds = 1_000_000_000
        case "m": nanoseconds = 1_000_000
        case "u": nanoseconds = 1000
        case "n": nanoseconds = 1
        default: throw .status(malformed(text))
        }
        return .nanoseconds(min(count, longest / nanoseconds) * nanoseconds)
    }

    private static func malformed(_ text: String) -> CallStatus {
        CallStatus(.internalError, "grpc-timeout \"\(text.prefix(40))\" is malformed")
    }
}
