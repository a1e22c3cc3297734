package import MeshCore
package import Synchronization

/// Where log lines go: a queue, and one thread that writes them to a descriptor.
///
/// Writers never wait: a full disk or a slow reader must not hold up traffic. Lines beyond the limit, or refused by
/// the descriptor, are dropped and counted, and a line says how many as soon as writing works again.
package final class LogSink: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var unreported = 0
        var closing = false
    }

    /// Bytes that may wait.
    package static let limit = 8 << 20
    /// How long `close` waits for a reader that does not read.
    static let closingMilliseconds: Int32 = 2000
    /// How often a descriptor that refused is tried again while nothing new is logged.
    private static let retryMilliseconds: Int32 = 1000

    private let state = Mutex(State())
    private let doorbell: Doorbell
    private let ended: Doorbell
    private let descriptor: Int32
    private let format: LogLine.Format
    private let thread = Mutex<KernelThread?>(nil)

    /// Lines that could not be kept, since start.
    package let droppedLines = Atomic<Int>(0)

    /// Makes SIGPIPE harmless for the whole process: a reader of the log that goes away must not end the proxy.
    ///
    /// - Parameter descriptor: stays the caller's; 1 for stdout.
    /// - Parameter format: of the line that says how many were lost.
    package init(descriptor: Int32, format: LogLine.Format = .plain) throws(KernelError) {
        Kernel.ignoreBrokenPipes()
        self.descriptor = descriptor
        self.format = format
        doorbell = try Doorbell()
        ended = try Doorbell()
        let started = try KernelThread.start("log") { [self] in
            run()
            ended.ring()
        }
        thread.withLock { $0 = started }
    }

    /// Queues whole lines, each ended by a newline.
    package func write(_ lines: [UInt8]) {
        let wake = state.withLock { state -> Bool in
            guard !state.closing, state.pending.count + lines.count <= Self.limit else {
                drop(lines[...], &state)
                return false
            }
            let wasEmpty = state.pending.isEmpty
            state.pending += lines
            return wasEmpty
        }
        if wake { doorbell.ring() }
    }

    /// Writes what waits and ends the thread; a thread that hangs in a write is left to the end of the process.
    package func close() {
        state.withLock { $0.closing = true }
        doorbell.ring()
        guard let thread = thread.withLock({ $0.take() }) else { return }
        if Kernel.wait(ended.descriptor, writable: false, milliseconds: Self.closingMilliseconds) { thread.join() }
    }

    private func drop(_ lines: ArraySlice<UInt8>, _ state: inout State) {
        let count = lines.count { $0 == UInt8(ascii: "\n") }
        state.unreported += count
        droppedLines.add(count, ordering: .relaxed)
    }

    private func run() {
        // The last thing written was a piece of a line.
        var isTorn = false
        while true {
            let (lines, unreported, closing) = state.withLock { state in
                defer { state.unreported = 0 }
                return (exchange(&state.pending, with: []), state.unreported, state.closing)
            }
            if lines.isEmpty, unreported == 0 {
                if closing { return }
                Kernel.wait(doorbell.descriptor, writable: false)
                doorbell.clear()
                continue
            }
            var head: [UInt8] = isTorn ? [UInt8(ascii: "\n")] : []
            if unreported > 0 { notice(unreported, into: &head) }
            let text = head + lines
            let sent = Self.writeAll(text, to: descriptor)
            if sent > 0 { isTorn = text[sent - 1] != UInt8(ascii: "\n") }
            let isRefused = sent < text.count
            if isRefused {
                state.withLock { state in
                    if sent < head.count { state.unreported += unreported }
                    drop(lines[max(0, sent - head.count)...], &state)
                }
            }
            if closing { return }
            if isRefused {
                _ = Kernel.wait(doorbell.descriptor, writable: false, milliseconds: Self.retryMilliseconds)
                doorbell.clear()
            }
        }
    }

    private func notice(_ lost: Int, into bytes: inout [UInt8]) {
        var line = LogLine(format: format, level: "warn", target: "log", message: "lines were lost")
        line.number("lines", lost)
        line.text("reason", "the log is slower than the traffic, or full")
        line.finish(into: &bytes)
    }
}

private func exchange(_ old: inout [UInt8], with new: [UInt8]) -> [UInt8] {
    defer { old = new }
    return old
}

extension LogSink {
    /// - Returns: bytes written; fewer than given when the descriptor refuses for good (disk full, reader gone).
    private static func writeAll(_ bytes: [UInt8], to fd: Int32) -> Int {
        var offset = 0
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            while offset < buffer.count, let base = buffer.baseAddress {
                let wrote = unsafe Kernel.write(fd, base + offset, buffer.count - offset)
                if wrote > 0 {
                    offset += wrote
                } else if wrote == -Kernel.again {
                    Kernel.wait(fd, writable: true)
                } else {
                    break
                }
            }
            return offset
        }
    }
}
