import MeshCore
import Testing

@Suite("Label values of metrics")
struct MetricLabelTests {
    @Test(
        "cannot end their quotes or their line, and say unknown for nothing",
        arguments: [
            ("a\"b\\c\nd", "a\\\"b\\\\c\\nd"), ("a\r\nb 1", "a\r\\nb 1"), ("e\u{301}\"", "e\u{301}\\\""),
            ("web", "web"), ("", "unknown"), (nil, "unknown"),
        ])
    func escaped(value: String?, text: String) { #expect(MetricLabel.text(value) == text) }
}
