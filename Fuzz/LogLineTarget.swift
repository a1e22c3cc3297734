import MeshPolicyCheck

extension Target {
    /// Reads a line by itself and as a piece of a longer text: both must find the same, all of it inside the line.
    static let logLine = Target(
        name: "LogLine",
        seeds: [
            "2026-08-01T00:00:00Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.1:4 src.workload=\"a \\\"b\" "
                + "src.identity=\"spiffe://td/ns/a/sa/b\" dst.addr=10.0.0.2:15008 dst.hbone_addr=[::1]:80 "
                + "direction=\"inbound\" bytes_sent=1 duration=\"3ms\" error=\"x\"",
            "{\"level\":\"info\",\"message\":\"connection complete\",\"src.addr\":\"10.0.0.1:4\", \"dst.addr\":\"a:1\","
                + "\"direction\":\"inbound\",\"bytes_sent\":1,\"error\":\"a\\\"b\"}",
            "[2026-08-01T00:00:00Z] \"GET /a?b HTTP/1.1\" 200 - via_upstream - \"-\" 0 1 2 3 \"-\" \"c\" \"id\" "
                + "\"host:80\" \"10.0.0.2:80\" cluster 10.0.0.9:1 10.1.0.1:80 10.0.0.1:4000 - route",
            "[2026-08-01T00:00:00Z] \"GET /a HTTP/1.1\" 403 - 0 19 0 - \"10.0.0.1\" \"curl\" \"id\" \"host\" \"-\"",
        ],
        check: { bytes in
            let whole = fields(bytes[...])
            if let whole, whole.contains(where: { $0.count > bytes.count }) { return "more than there is: \(whole)" }
            let around = Array("[\"x\n".utf8)
            let inner = (around + bytes + around)[around.count..<around.count + bytes.count]
            return fields(inner) == whole ? nil : "another place, another meaning"
        })

    private static func fields(_ line: ArraySlice<UInt8>) -> [[UInt8]]? {
        guard let read = LogLineFields(line) else { return nil }
        let all = [
            read.source, read.sourceIdentity, read.destination, read.hboneAddress, read.direction, read.error,
            read.message, read.method, read.path, read.authority, read.details, read.status,
        ]
        return all.map(Array.init) + [read.shape == .tunnel ? [] : [1]]
    }
}
