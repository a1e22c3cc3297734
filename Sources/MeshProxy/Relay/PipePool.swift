import MeshLinux

/// A pipe through which the kernel moves bytes between sockets.
struct SplicePipe {
    let read: Int32
    let write: Int32
    let capacity: Int
}

/// Empty pipes that wait for use. One per reactor.
struct PipePool: ~Copyable {
    /// What is asked of the kernel; an unprivileged process may get less.
    static let capacity: Int32 = 1 << 20
    private static let limit = 32
    private var free: [SplicePipe] = []

    mutating func take() -> SplicePipe? {
        if let pipe = free.popLast() { return pipe }
        return Kernel.pipe(capacity: Self.capacity).map {
            SplicePipe(read: $0.read, write: $0.write, capacity: $0.capacity)
        }
    }

    /// - Parameter isEmpty: a pipe with bytes in it belongs to a dead connection and is closed.
    mutating func give(_ pipe: SplicePipe, isEmpty: Bool) {
        if isEmpty, free.count < Self.limit {
            free.append(pipe)
        } else {
            Kernel.close(pipe.read)
            Kernel.close(pipe.write)
        }
    }

    deinit {
        for pipe in free {
            Kernel.close(pipe.read)
            Kernel.close(pipe.write)
        }
    }
}
