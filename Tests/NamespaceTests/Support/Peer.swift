import Foundation
import MeshTestSupport

/// The application at both ends: Tests/Tools/peer.py.
enum Peer {
    static let script = Meshctl.repository.appendingPathComponent("Tests/Tools/peer.py").path

    /// What a client reports. Each kind of client fills in some of it; see the script.
    struct Result: Decodable {
        var error: String?
        /// The bytes of that direction arrived whole and in order.
        var up: Bool?
        var down: Bool?
        var count: Int?
        var digest: String?
        /// `eof`, or the error that ended the connection.
        var end: String?
        var seconds: Double?
        /// When it ended, seconds since 1970.
        var at: Double?
        var echoed: Int?
        var asked: Bool?
        var held: Int?
        var failures: Int?
        var first: [String]?
        var data: String?
        /// Seconds that a request took.
        var median: Double?
        var longest: Double?
    }

    /// The last line of a client's output.
    static func result(of client: NamespaceProcess) throws -> Result {
        guard let line = client.output.split(separator: "\n").last else {
            throw TimedOut(description: "peer.py printed nothing: \(client.errors)")
        }
        return try JSONDecoder().decode(Result.self, from: Data(line.utf8))
    }
}
