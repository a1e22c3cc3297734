package import MeshCore

/// Why a folder is not a certificate authority, or cannot become one.
package enum AuthorityError: Error, Hashable, CustomStringConvertible {
    /// `init` found one of its files, which it never replaces.
    case exists(path: String)
    case notFound(directory: String)
    case incomplete(directory: String, missing: [String])
    case file(FileError)
    case content(path: String, reason: String)
    /// The parts are fine each, but do not fit each other.
    case inconsistent(directory: String, reason: String)
    case trustDomainUnknown(directory: String)
    case trustDomainDiffers(directory: String, stored: String, given: String)
    case settings([String])
    /// A change that the state of the folder does not allow; says what does.
    case refused(directory: String, reason: String)
    /// Somebody else changed it each time.
    case contended(directory: String)
    /// What keeps it does not answer as it should.
    case store(directory: String, reason: String)
    /// Another server has the folder.
    case served(directory: String, process: String)

    package var description: String {
        switch self {
        case .exists(let path): "\(path) is already there; an authority is never overwritten, choose another folder"
        case .notFound(let directory):
            "\(directory) holds no authority; make one with meshctl ca init --dir, or in a cluster by meshctl ca serve"
        case .incomplete(let directory, let missing):
            "\(directory) is half an authority: \(missing.joined(separator: ", ")) missing; restore that or empty the folder"
        case .file(let error): "\(error)"
        case .content(let path, let reason): "\(path): \(reason)"
        case .inconsistent(let directory, let reason): "\(directory): \(reason)"
        case .trustDomainUnknown(let directory):
            "\(directory) has no \(AuthorityFiles.Name.settings.rawValue); name its trust domain with --trust-domain"
        case .trustDomainDiffers(let directory, let stored, let given):
            "\(directory) is the authority of \(stored), not of \(given)"
        case .settings(let problems): problems.joined(separator: "; ")
        case .refused(let directory, let reason): "\(directory): \(reason)"
        case .contended(let directory):
            "\(directory) was changed by somebody else each time; see who writes to it, then try again"
        case .store(let directory, let reason): "\(directory): \(reason)"
        case .served(let directory, let process):
            "\(directory) is served by process \(process) already; stop that one, or serve another folder"
        }
    }

    /// For a person at the command line.
    package func failure(doing: String) -> MeshFailure {
        let kind: MeshFailure.Kind =
            switch self {
            case .exists, .settings, .trustDomainUnknown, .trustDomainDiffers, .refused: .usage
            case .served, .contended, .store: .unavailable
            case .notFound: .notFound
            case .incomplete, .content, .inconsistent: .corrupt
            case .file(let error): if case .exposed = error { .denied } else { .unavailable }
            }
        return MeshFailure(kind, doing: doing, reason: "\(self)")
    }
}
