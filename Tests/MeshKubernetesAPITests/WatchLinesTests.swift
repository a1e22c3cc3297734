import MeshKubernetesAPI
import Testing

@Suite("Lines of a watch")
struct WatchLinesTests {
    static let text = "one\n\ntwo\nthree\n"

    private func lines(_ pieces: [[UInt8]], limit: Int = 100) throws -> (found: [String], isInside: Bool) {
        var lines = WatchLines(limit: limit)
        var found: [String] = []
        for piece in pieces { try lines.feed(piece) { found.append(String(decoding: $0, as: UTF8.self)) } }
        return (found, lines.isInside)
    }

    @Test("are the same whole and byte by byte")
    func byByte() throws {
        let bytes = Array(Self.text.utf8)
        #expect(try lines([bytes]).found == ["one", "two", "three"])
        #expect(try lines(bytes.map { [$0] }).found == ["one", "two", "three"])
    }

    @Test("cut anywhere are whole lines and a rest that is known", arguments: 0...text.utf8.count)
    func truncated(count: Int) throws {
        let bytes = Array(Self.text.utf8.prefix(count))
        let (found, isInside) = try lines([bytes])
        #expect(["one", "two", "three"].starts(with: found))
        #expect(isInside == (bytes.last.map { $0 != UInt8(ascii: "\n") } ?? false))
    }

    @Test("have a limit")
    func limit() throws {
        #expect(try lines([Array("12345\n12345\n".utf8)], limit: 5).found.count == 2)
        #expect(throws: WatchLines.TooLong(limit: 4)) { try lines([Array("12345\n".utf8)], limit: 4) }
    }
}
