import FoundationEssentials
import MeshCore

/// Who listens in this network namespace, of this process and of others.
enum ListeningSockets {
    /// How many sockets listen on exactly this address and port; 0 where /proc is not mounted.
    ///
    /// Source: proc_net_tcp; the address stands there as 32-bit words in the machine's byte order.
    static func count(on address: MeshCore.SocketAddress) -> Int {
        let path = address.ip.isV4 ? "/proc/self/net/tcp" : "/proc/self/net/tcp6"
        guard let table = try? String(contentsOfFile: path, encoding: .utf8) else { return 0 }
        return count(on: address, in: table)
    }

    static func count(on address: MeshCore.SocketAddress, in table: String) -> Int {
        let wanted = written(address)
        return table.split(separator: "\n").count { line in
            // Number, local address, remote address, state: 0A is LISTEN.
            let words = line.split(separator: " ", maxSplits: 4)
            return words.count == 5 && words[1] == wanted && words[3] == "0A"
        }
    }

    private static func written(_ address: MeshCore.SocketAddress) -> String {
        let bytes = address.ip.bytes
        var text = ""
        for word in stride(from: 0, to: bytes.count, by: 4) {
            let word = bytes[word..<word + 4]
            text += (Self.isLittleEndian ? word.reversed() : Array(word)).map { hex(UInt16($0), 2) }.joined()
        }
        return text + ":" + hex(address.port, 4)
    }

    private static let isLittleEndian = 1.littleEndian == 1

    private static func hex(_ value: UInt16, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
