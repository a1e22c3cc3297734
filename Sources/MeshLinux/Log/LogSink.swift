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

    private let state = Mutex(State())
    private let doorbell: Doorbell
    private let descriptor: Int32
    private let thread = Mutex<KernelThread?>(nil)

    /// Lines that could not be kept, since start.
    package let droppedLines = Atomic<Int>(0)

    /// - Parameter descriptor: stays the caller's; 1 for stdout.
    package init(descriptor: Int32) throws(KernelError) {
        self.descriptor = descriptor
        doorbell = try Doorbell()
        let started = try KernelThread.start("log") { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Queues whole lines, each ended by a newline.
    package func write(_ lines: [UInt8]) {
        let wake = state.withLock { state -> Bool in
            guard !state.closing, state.pending.count + lines.count <= Self.limit else {
                drop(lines, &state)
                return false
            }
            let wasEmpty = state.pending.isEmpty
            state.pending += lines
            return wasEmpty
        }
        if wake { doorbell.ring() }
    }

    /// Writes what waits and ends the thread.
    package func close() {
        state.withLock { $0.closing = true }
        doorbell.ring()
        thread.withLock { $0.take() }?.join()
    }

    private func drop(_ lines: [UInt8], _ state: inout State) {
        let count = lines.count { $0 == UInt8(ascii: "\n") }
        state.unreported += count
        droppedLines.add(count, ordering: .relaxed)
    }

    private func run() {
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
            let notice =
                unreported == 0
                ? [] : Array("\(unreported) log lines were lost: the log is slower than the traffic, or full\n".utf8)
            if !Self.writeAll(notice + lines, to: descriptor) { state.withLock { drop(lines, &$0) } }
            if closing { return }
        }
    }
}

private func exchange(_ old: inout [UInt8], with new: [UInt8]) -> [UInt8] {
    defer { old = new }
    return old
}

extension LogSink {
    /// - Returns: false when the descriptor refuses for good (disk full, reader gone).
    private static func writeAll(_ bytes: [UInt8], to fd: Int32) -> Bool {
        var offset = 0
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            while offset < buffer.count, let base = buffer.baseAddress {
                let wrote = unsafe Kernel.write(fd, base + offset, buffer.count - offset)
                if wrote > 0 {
                    offset += wrote
                } else if wrote == -Kernel.again {
                    Kernel.wait(fd, writable: true)
                } else {
                    return false
                }
            }
            return true
        }
    }
}
