import Glibc
import MeshCore

/// Several files of one folder put in place and removed as one step, whatever happens in between.
///
/// New contents are brought to disk under staged names. Then a journal says what has to be done, and from that moment
/// it will be: whoever opens the folder after a crash finishes it. To be used under the exclusive lock of the folder.
///
/// Shape of the journal: a line `put NAME` or `drop NAME` for each file.
struct FolderTransaction {
    private static let journal = ".transaction"

    private let directory: String
    private var puts: [FileSet.File] = []
    private var drops: [String] = []

    init(_ directory: String) { self.directory = directory }

    mutating func put(_ name: String, _ content: String, mode: UInt32 = 0o644) {
        puts.append(FileSet.File(name, content, mode: mode))
    }
    mutating func drop(_ name: String) { drops.append(name) }

    func commit() throws(FileError) {
        try Self.finish(in: directory)
        for file in puts {
            let staged = Self.staged(file.name, in: directory)
            // What a crash left before its journal was there.
            unsafe _ = unlink(staged)
            try FileSet.create(staged, file) {}
        }
        let lines = puts.map { "put \($0.name)\n" } + drops.map { "drop \($0)\n" }
        let draft = "\(directory)/\(Self.journal).draft"
        unsafe _ = unlink(draft)
        try FileSet.create(draft, FileSet.File(Self.journal, lines.joined(), mode: 0o600)) {}
        try FileSet.check(unsafe rename(draft, "\(directory)/\(Self.journal)"), "write \(directory)/\(Self.journal)")
        try FileSet.sync(directory)
        try Self.finish(in: directory)
    }

    /// Whether a crash left something to finish.
    static func isUnfinished(in directory: String) -> Bool { FileStamp(path: "\(directory)/\(journal)") != nil }

    /// Does what the journal says, as often as it takes; nothing without a journal.
    static func finish(in directory: String) throws(FileError) {
        guard isUnfinished(in: directory) else { return }
        let path = "\(directory)/\(journal)"
        for line in try FileReading.text(path).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            // Names that we would not write are not ours to follow.
            guard words.count == 2, !words[1].contains("/"), words[1] != ".", words[1] != ".." else {
                throw .notText(path: path)
            }
            let target = "\(directory)/\(words[1])"
            switch words[0] {
            case "put":
                let staged = staged(words[1], in: directory)
                // Absent once it took its place before the crash.
                guard FileStamp(path: staged) != nil else { continue }
                try FileSet.check(unsafe rename(staged, target), "write \(target)")
            case "drop":
                guard FileStamp(path: target) != nil else { continue }
                try FileSet.check(unsafe unlink(target), "remove \(target)")
            default: throw .notText(path: path)
            }
        }
        try FileSet.sync(directory)
        try FileSet.check(unsafe unlink(path), "remove \(path)")
        try FileSet.sync(directory)
    }

    private static func staged(_ name: String, in directory: String) -> String { "\(directory)/.\(name).staged" }
}
