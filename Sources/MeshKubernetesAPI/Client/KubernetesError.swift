import FoundationEssentials

/// What the API server says of a call that it did not carry out. Source: Kubernetes API, meta/v1 Status.
package struct KubernetesStatus: Hashable, Sendable {
    package let code: Int
    /// Such as `NotFound`, `AlreadyExists`, `Conflict`, `Expired`; empty when the server gave none.
    package let reason: String
    package let message: String
    /// Causes, such as `NamespaceTerminating`.
    package let causes: [String]
    /// What the server asks for in the body or by Retry-After.
    package let retryAfter: Duration?

    package init(
        code: Int, reason: String = "", message: String = "", causes: [String] = [], retryAfter: Duration? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfter = retryAfter
    }
}

extension KubernetesStatus: Decodable {
    private enum CodingKeys: String, CodingKey { case kind, code, reason, message, details }
    private struct Details: Decodable {
        struct Cause: Decodable { var reason: String? }
        var causes: [Cause]?
        var retryAfterSeconds: Int64?
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        guard try values.decodeIfPresent(String.self, forKey: .kind) ?? "Status" == "Status" else {
            throw DecodingError.dataCorruptedError(forKey: .kind, in: values, debugDescription: "not a Status")
        }
        let details = try values.decodeIfPresent(Details.self, forKey: .details)
        self.init(
            code: try values.decodeIfPresent(Int.self, forKey: .code) ?? 0,
            reason: try values.decodeIfPresent(String.self, forKey: .reason) ?? "",
            message: try values.decodeIfPresent(String.self, forKey: .message) ?? "",
            causes: details?.causes?.compactMap(\.reason) ?? [],
            retryAfter: details?.retryAfterSeconds.flatMap { (0...86400).contains($0) ? .seconds($0) : nil })
    }
}

/// Why a call to the API server has no result.
package enum KubernetesError: Error, Hashable, Sendable, CustomStringConvertible {
    case status(KubernetesStatus)
    /// The server was not reached, or the connection broke.
    case connection(String)
    case timeout(Duration)
    /// A watch brought nothing at all for this long.
    case silent(Duration)
    /// Bytes.
    case tooLarge(limit: Int)
    /// The answer is not what the API promises.
    case answer(String)
    /// Our own token, key or certificates cannot be used.
    case credentials(String)
    /// A name that no object can have.
    case name(String)
    case cancelled

    package var description: String {
        switch self {
        case .status(let status):
            "API server says \(status.code)\(status.reason.isEmpty ? "" : " \(status.reason)")"
                + (status.message.isEmpty ? "" : ": \(status.message)")
        case .connection(let reason): "API server not reached: \(reason)"
        case .timeout(let limit): "API server did not answer within \(limit)"
        case .silent(let limit): "watch was silent for \(limit)"
        case .tooLarge(let limit): "answer of the API server is larger than \(limit) bytes"
        case .answer(let reason): "answer of the API server is not understood: \(reason)"
        case .credentials(let reason): "credentials for the API server: \(reason)"
        case .name(let name): "\"\(name)\" is not a name of the Kubernetes API"
        case .cancelled: "cancelled"
        }
    }

    private var status: KubernetesStatus? { if case .status(let status) = self { status } else { nil } }

    package var isNotFound: Bool { status?.code == 404 }
    package var isForbidden: Bool { status?.code == 403 }
    package var isAlreadyThere: Bool { status?.reason == "AlreadyExists" }
    /// Somebody else changed the object first.
    package var isConflict: Bool { status.map { $0.code == 409 && $0.reason != "AlreadyExists" } ?? false }
    /// The version to go on from is forgotten: list again.
    package var isGone: Bool { status.map { $0.code == 410 || $0.reason == "Expired" || $0.reason == "Gone" } ?? false }
    package var isNamespaceTerminating: Bool { status?.causes.contains("NamespaceTerminating") ?? false }
    package var retryAfter: Duration? { status?.retryAfter }
}
