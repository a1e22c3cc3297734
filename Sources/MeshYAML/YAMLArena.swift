/// Content that views share. Confined to the task that reads.
final class YAMLArena {
    private(set) var content: YAMLContent

    init(_ content: YAMLContent) { self.content = content }

    /// Gives the content back, to be read into again.
    /// - Precondition: no view is held.
    func reclaim() -> YAMLContent {
        let content = content
        self.content = YAMLContent(file: "")
        return content
    }
}
