import FoundationEssentials

/// What the kernel says of this process.
enum ProcessFacts {
    /// `nil` where /proc is not mounted.
    static var openDescriptors: Int? {
        // The one that reads the folder is there, too.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { max(0, $0.count - 1) }
    }

    /// The soft limit; `nil` when there is none.
    static var descriptorLimit: Int? {
        field("Max open files", in: "/proc/self/limits", at: 3).flatMap { Int($0) }
    }

    static var residentBytes: Int? {
        field("VmRSS:", in: "/proc/self/status", at: 1).flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// A word of the line that begins with `name`.
    private static func field(_ name: String, in path: String, at index: Int) -> Substring? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        let words = line.split(whereSeparator: \.isWhitespace)
        return words.indices.contains(index) ? words[index] : nil
    }
}
