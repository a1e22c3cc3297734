import MeshCA
import NIOCore
import NIOHPACK

/// What callers of the authority send in gRPC, above HTTP/2.
extension Target {
    static let calls = [
        Target(
            name: "CallBody", seeds: [],
            byteSeeds: [
                [0, 0, 0, 0, 3, 1, 2, 3], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 9], [0, 0, 2, 0, 1],
                [0, 0, 0, 0, 1, 7, 0, 0],
            ],
            check: { bytes in
                let (whole, alone) = (body([bytes]), body(bytes.map { [$0] }))
                return whole == alone ? nil : "read as \(whole ?? []), byte by byte as \(alone ?? [])"
            }),
        Target(
            name: "CallHead", seeds: ["5S", "99999999n", "250m", "application/grpc+proto", "identity", "gzip", "/s/M"],
            check: { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                for name in ["grpc-timeout", "content-type", "grpc-encoding", ":path", ":method", "clusterid"] {
                    var headers = HPACKHeaders([
                        (":method", "POST"), (":path", "/s/M"), ("content-type", "application/grpc"),
                    ])
                    headers.replaceOrAdd(name: name, value: text)
                    if let problem = head(headers, text) { return "\(name): \(problem)" }
                }
                return nil
            }),
    ]

    private static func body(_ parts: [[UInt8]]) -> [UInt8]? {
        var body = CallBody()
        do throws(CallStatus) {
            for part in parts { try body.add(ByteBuffer(bytes: part)) }
            return try body.message()
        } catch {
            return nil
        }
    }

    /// What is wrong with how a head was read or refused.
    private static func head(_ headers: HPACKHeaders, _ text: String) -> String? {
        do throws(CallHead.Refusal) {
            let head = try CallHead(headers, path: "/s/M")
            if let timeout = head.timeout, timeout < .zero { return "waits \(timeout)" }
            return nil
        } catch {
            guard case .status(let status) = error else { return nil }
            let isHeader = status.headerMessage.utf8.allSatisfy { (0x20...0x7e).contains($0) }
            return isHeader ? nil : "refused as \(status.headerMessage.debugDescription)"
        }
    }
}
