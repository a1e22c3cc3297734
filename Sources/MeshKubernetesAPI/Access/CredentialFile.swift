import FoundationEssentials
import MeshCore

/// Small files of tokens, keys and certificates.
enum CredentialFile {
    static let limit = 1 << 20

    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// The text without white space around it; never empty.
    static func text(_ path: String) throws(Problem) -> String {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "does not exist"
            throw Problem(description: "\(path) \(reason)")
        }
        guard bytes.count <= limit else { throw Problem(description: "\(path) is larger than \(limit) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(description: "\(path) is not UTF-8 text")
        }
        let trimmed = text.trimmed
        guard !trimmed.isEmpty else { throw Problem(description: "\(path) is empty") }
        return trimmed
    }
}

extension ClusterAccess.Source {
    func read() throws(CredentialFile.Problem) -> String {
        switch self {
        case .text(let text): text.trimmed
        case .file(let path): try CredentialFile.text(path)
        }
    }
}

extension String {
    var trimmed: String {
        var rest = self[...]
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest.drop(while: \.isWhitespace))
    }
}
