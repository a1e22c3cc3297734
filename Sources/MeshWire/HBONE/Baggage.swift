package import MeshCore

/// What a proxy tells another of its workload, in the `baggage` header of a CONNECT request or its reply.
///
/// Shape: comma-joined `key=value`, nothing percent-encoded, empty ones left out. Source: HBONE.
package struct Baggage: Sendable, Hashable {
    package var cluster: String?
    package var namespace: String?
    /// `deployment`, `cronjob`, `pod` or `job`: part of the key that carries the workload's name.
    package var workloadType = "deployment"
    package var workloadName: String?
    package var canonicalName: String?
    package var canonicalRevision: String?
    package var region: String?
    package var zone: String?

    /// Longest value that is read, in bytes.
    package static let textLimit = 8192
    package static let workloadTypes = ["deployment", "cronjob", "pod", "job"]

    package init() {}

    package init(_ workload: Workload) {
        let fields = workload.fields
        func known(_ text: String) -> String? { text.isEmpty ? nil : text }
        cluster = known(fields.clusterID)
        namespace = known(fields.namespace)
        let type = fields.workloadType.lowercased()
        workloadType = Self.workloadTypes.contains(type) ? type : "deployment"
        workloadName = known(fields.workloadName)
        canonicalName = known(fields.canonicalName)
        canonicalRevision = known(fields.canonicalRevision)
        region = known(fields.locality.region)
        zone = known(fields.locality.zone)
    }

    /// The value to send. A text that would not survive the trip (a comma, an equals sign, control or non-ASCII
    /// bytes) is left out.
    package var headerValue: String {
        let pairs = [
            ("k8s.cluster.name", cluster), ("k8s.namespace.name", namespace),
            ("k8s.\(workloadType).name", workloadName), ("service.name", canonicalName),
            ("service.version", canonicalRevision), ("cloud.region", region), ("cloud.availability_zone", zone),
        ]
        var text = ""
        for case (let key, let value?) in pairs where !value.isEmpty && value.utf8.allSatisfy(Self.isPlain) {
            if !text.isEmpty { text += "," }
            text += "\(key)=\(value)"
        }
        return text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "=")
    }

    /// Adds what a received value says. Unknown keys, empty values and values that are not UTF-8 are skipped; spaces
    /// are kept; what follows a second `=` is dropped. A header that is repeated is given in turn: the last one counts.
    /// - Returns: false when the value is longer than `textLimit`, and was not read.
    @discardableResult
    package mutating func add(parsing bytes: Span<UInt8>) -> Bool {
        guard bytes.count <= Self.textLimit else { return false }
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: ",") { end += 1 }
            add(member: bytes.extracting(start..<end))
            start = end + 1
        }
        return true
    }

    /// - Parameter bytes: a header value as the HTTP/2 library lends it; not kept.
    package init?(bytes: UnsafeBufferPointer<UInt8>) {
        guard add(parsing: unsafe bytes.span) else { return nil }
    }

    package init?(_ text: String) {
        guard add(parsing: text.utf8.span) else { return nil }
    }

    private mutating func add(member: Span<UInt8>) {
        guard let equals = member.indices.first(where: { member[$0] == UInt8(ascii: "=") }) else { return }
        var end = equals + 1
        while end < member.count, member[end] != UInt8(ascii: "=") { end += 1 }
        guard end > equals + 1, let key = member.extracting(0..<equals).text,
            let value = member.extracting(equals + 1..<end).text
        else { return }
        switch key {
        case "k8s.cluster.name": cluster = value
        case "k8s.namespace.name": namespace = value
        case "service.name": canonicalName = value
        case "service.version": canonicalRevision = value
        case "cloud.region": region = value
        case "cloud.availability_zone": zone = value
        default:
            guard let type = Self.workloadTypes.first(where: { key == "k8s.\($0).name" }) else { return }
            (workloadType, workloadName) = (type, value)
        }
    }
}
