package import MeshCore

/// Why a file could not be read or written.
package enum FileError: Error, Hashable, CustomStringConvertible {
    case system(KernelError)
    case tooLarge(path: String, limit: Int)
    case notText(path: String)
    /// A secret that others on this machine can read or replace; `mode` are its permission bits.
    case exposed(path: String, mode: UInt32)

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes"
        case .notText(let path): "\(path) is not UTF-8 text"
        case .exposed(let path, let mode):
            "\(path) has mode 0\(String(mode, radix: 8)), so others can read or change it; run chmod 600 \(path)"
        }
    }

    package var isNotFound: Bool { code == 2 }
    package var isAlreadyThere: Bool { code == 17 }

    private var code: Int32? { if case .system(let error) = self { error.code } else { nil } }
}
