package import MeshCertificates
package import MeshCore
import MeshKubernetes

/// Finds and reads what a person names: files, folders, `-` for standard input, and servers.
package struct CertificateSources: Sendable {
    /// Files of a folder that may hold certificates or keys.
    private static let suffixes = [".pem", ".crt", ".cer", ".der", ".key"] + ManifestFiles.suffixes

    private let endpoints: EndpointProbe.Options
    private let doing: String

    package init(_ endpoints: EndpointProbe.Options = EndpointProbe.Options(), doing: String) {
        self.endpoints = endpoints
        self.doing = doing
    }

    /// What the inputs hold, in their order. Files of one folder make one set, so that a key meets its certificate;
    /// objects of manifests and servers are sets of their own.
    /// - Throws: for an input that cannot be read or holds nothing; in folders such files are passed over, but for those
    ///   that are meant to hold certificates, which are told in the set.
    package func read(_ inputs: [String]) throws(MeshFailure) -> [Inspection.Subject] {
        var result: [Inspection.Subject] = []
        var groups: [(folder: String, files: [String], parts: [CertificatePart], at: Int)] = []
        func add(_ sets: [CertificateSet], of file: String) {
            for set in sets {
                guard set.name == PrintableText.of(file), let part = set.parts.first else {
                    result.append(Inspection.Subject(set))
                    continue
                }
                let folder = file == "-" ? file : Self.folder(of: file)
                let named = part.named(Self.name(of: file))
                if let index = groups.firstIndex(where: { $0.folder == folder }) {
                    groups[index].files.append(file)
                    groups[index].parts.append(named)
                } else {
                    groups.append((folder, [file], [named], result.count))
                    // Holds the place of the set, which grows while more files are read.
                    result.append(Inspection.Subject(CertificateSet(name: file, parts: [])))
                }
            }
        }
        for input in inputs {
            if input != "-", !ManifestFiles.exists(input), let address = EndpointAddress(input) {
                result.append(try EndpointProbe.run(address, endpoints, doing: doing))
            } else if input != "-", ManifestFiles.isFolder(input) {
                let before = result.count + groups.reduce(0) { $0 + $1.parts.count }
                for file in try ManifestFiles.files(in: input, suffixes: Self.suffixes, doing: doing) {
                    add(try sets(inFolder: file), of: file)
                }
                guard result.count + groups.reduce(0, { $0 + $1.parts.count }) > before else {
                    throw MeshFailure(
                        .notFound, doing: doing, reason: "folder \(input) holds no certificate and no key")
                }
            } else {
                add(try sets(file: input), of: input)
            }
        }
        for group in groups {
            let name = group.files.count == 1 ? group.files[0] : group.folder
            result[group.at] = Inspection.Subject(
                CertificateSet(name: name == "-" ? "<stdin>" : name, parts: group.parts))
        }
        return result
    }

    /// The certificates of files, as one bundle of roots.
    package func bundle(_ files: [String]) throws(MeshFailure) -> CertificatePart? {
        guard !files.isEmpty else { return nil }
        var bundle = CertificatePart(name: files.joined(separator: ", "), purpose: .trustBundle)
        for file in files {
            for set in try sets(file: file) {
                bundle.certificates += set.certificates
                bundle.revocationLists += set.parts.flatMap(\.revocationLists)
                bundle.problems += set.parts.flatMap(\.problems)
            }
        }
        guard !bundle.certificates.isEmpty else {
            throw MeshFailure(
                .corrupt, doing: doing,
                reason: "trust bundle \(bundle.name) holds no certificate; give a PEM file of roots")
        }
        return bundle
    }

    /// The revocation lists of files, each file a part of its own.
    package func revocationLists(_ files: [String]) throws(MeshFailure) -> [CertificatePart] {
        var parts: [CertificatePart] = []
        for file in files {
            var part = CertificatePart(name: file)
            for set in try sets(file: file) {
                part.revocationLists += set.parts.flatMap(\.revocationLists)
                part.problems += set.parts.flatMap(\.problems)
            }
            guard !part.revocationLists.isEmpty else {
                throw MeshFailure(
                    .corrupt, doing: doing,
                    reason: "\(part.name) holds no revocation list; give what meshctl ca crl prints")
            }
            parts.append(part)
        }
        return parts
    }

    /// The bytes of one file, for a credential.
    package func bytes(_ file: String) throws(MeshFailure) -> [UInt8] {
        try ManifestFiles.bytes(file, limit: 1 << 20, doing: doing)
    }

    private func sets(file: String) throws(MeshFailure) -> [CertificateSet] {
        let bytes = try ManifestFiles.bytes(file, limit: CertificateBytes.sizeLimit, doing: doing)
        do throws(ReadingError) {
            return try CertificateBytes.read(bytes, file: file)
        } catch {
            throw MeshFailure(.corrupt, doing: doing, reason: "\(PrintableText.of(file)): \(error)")
        }
    }

    private func sets(inFolder file: String) throws(MeshFailure) -> [CertificateSet] {
        let bytes = try ManifestFiles.bytes(file, limit: CertificateBytes.sizeLimit, doing: doing)
        do throws(ReadingError) {
            return try CertificateBytes.read(bytes, file: file)
        } catch {
            // A manifest without certificates is none of our business.
            if ManifestFiles.suffixes.contains(where: file.hasSuffix) { return [] }
            var part = CertificatePart(name: Self.name(of: file))
            part.problems = ["\(part.name): \(error)"]
            return [CertificateSet(name: file, parts: [part])]
        }
    }

    private static func name(of file: String) -> String {
        file == "-" ? "<stdin>" : file.split(separator: "/").last.map(String.init) ?? file
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}
