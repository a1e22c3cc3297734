import Glibc
import MeshLinux
import Synchronization
import Testing

@Suite("The log's writer")
struct LogSinkTests {
    private func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func drain(_ fd: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(fd, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }

    @Test("writes whole lines in order, and the last ones before it ends")
    func order() throws {
        let (read, write) = try pipe()
        let sink = try LogSink(descriptor: write)
        for number in 0..<1000 { sink.write(Array("line \(number)\n".utf8)) }
        sink.close()
        close(write)
        #expect(drain(read) == (0..<1000).map { "line \($0)\n" }.joined())
        #expect(sink.droppedLines.load(ordering: .relaxed) == 0)
        close(read)
    }

    @Test("counts the lines that nobody takes, and outlives its reader")
    func readerGone() throws {
        let (read, write) = try pipe()
        close(read)
        let sink = try LogSink(descriptor: write)
        for _ in 0..<10 { sink.write(Array("one\ntwo\n".utf8)) }
        sink.close()
        #expect(sink.droppedLines.load(ordering: .relaxed) == 20)
        close(write)
    }

    @Test("ends although its reader does not read")
    func readerStopped() throws {
        let (read, write) = try pipe()
        let sink = try LogSink(descriptor: write)
        sink.write(Array(repeating: UInt8(ascii: "x"), count: 1 << 20) + [UInt8(ascii: "\n")])
        let begun = ContinuousClock.now
        sink.close()
        #expect(ContinuousClock.now - begun < .seconds(5))
        // Lets the thread that is left behind come to its end.
        close(read)
    }

    @Test("keeps no more than its limit")
    func limit() throws {
        let (read, write) = try pipe()
        let sink = try LogSink(descriptor: write)
        let line = Array(repeating: UInt8(ascii: "x"), count: 1 << 20) + [UInt8(ascii: "\n")]
        for _ in 0..<20 { sink.write(line) }
        // As many again may be on their way already.
        #expect(sink.droppedLines.load(ordering: .relaxed) >= 20 - 2 * (LogSink.limit / line.count))
        close(read)
        sink.close()
        close(write)
    }
}
