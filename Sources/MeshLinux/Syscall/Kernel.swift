internal import CLinux
package import MeshCore

/// System calls as the data path uses them: a result >= 0, or -errno. Nothing here allocates or throws.
package enum Kernel {
    package static let again = Int(EAGAIN)
    package static let tooManyFiles = EMFILE

    /// Whether an error says that the process or the machine has run out of something.
    package static func isExhaustion(_ errno: Int32) -> Bool {
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM
    }

    /// Whether an error only says that the other side has gone.
    package static func isDisconnect(_ errno: Int32) -> Bool {
        errno == ECONNRESET || errno == EPIPE || errno == ENOTCONN
    }

    @inline(__always)
    package static func receive(_ fd: Int32, _ to: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        while true {
            let result = unsafe cl_recv(fd, to, count)
            if result != -Int(EINTR) { return result }
        }
    }

    /// As `receive`, but the bytes stay where they are.
    package static func peek(_ fd: Int32, _ to: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        while true {
            let result = unsafe cl_peek(fd, to, count)
            if result != -Int(EINTR) { return result }
        }
    }

    @inline(__always)
    package static func send(_ fd: Int32, _ from: UnsafePointer<UInt8>, _ count: Int) -> Int {
        while true {
            let result = unsafe cl_send(fd, from, count)
            if result != -Int(EINTR) { return result }
        }
    }

    @inline(__always)
    package static func send(_ fd: Int32, _ vector: UnsafeMutablePointer<IOVector>, _ count: Int) -> Int {
        while true {
            let result = unsafe cl_sendv(fd, UnsafeMutableRawPointer(vector).assumingMemoryBound(to: iovec.self), count)
            if result != -Int(EINTR) { return result }
        }
    }

    /// `write(2)`, for descriptors that may be no socket.
    package static func write(_ fd: Int32, _ from: UnsafePointer<UInt8>, _ count: Int) -> Int {
        while true {
            let result = unsafe cl_write(fd, from, count)
            if result != -Int(EINTR) { return result }
        }
    }

    /// Blocks this thread until the descriptor can be read or written.
    package static func wait(_ fd: Int32, writable: Bool) { cl_wait(fd, writable ? 1 : 0) }

    /// The same for at most this long.
    /// - Returns: false when the time has passed.
    package static func wait(_ fd: Int32, writable: Bool, milliseconds: Int32) -> Bool {
        cl_poll(fd, Int16(writable ? POLLOUT : POLLIN), milliseconds) != 0
    }

    /// A write to a pipe or socket without a reader is an error, not the end of the process.
    package static func ignoreBrokenPipes() { cl_ignore_broken_pipes() }

    /// Gives descriptors 0, 1 and 2 to /dev/null where they are closed, before anything else can get their numbers: a
    /// socket that is number 1 would be sent the log.
    package static func occupyStandardDescriptors() { cl_occupy_standard_descriptors() }

    /// Moves bytes between a pipe and a socket inside the kernel.
    package static func splice(from: Int32, to: Int32, _ count: Int) -> Int {
        while true {
            let result = cl_splice(from, to, count)
            if result != -Int(EINTR) { return result }
        }
    }

    /// The read and the write end of a new non-blocking pipe, and its capacity in bytes; `nil` when none can be had.
    package static func pipe(capacity: Int32) -> (read: Int32, write: Int32, capacity: Int)? {
        var ends: (Int32, Int32) = (0, 0)
        let given = unsafe withUnsafeMutablePointer(to: &ends) {
            unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe cl_pipe($0, capacity) }
        }
        return given > 0 ? (ends.0, ends.1, Int(given)) : nil
    }

    /// Two joined, non-blocking stream sockets; `nil` when none can be had.
    package static func socketPair() -> (Int32, Int32)? {
        var ends: (Int32, Int32) = (0, 0)
        let result = unsafe withUnsafeMutablePointer(to: &ends) {
            unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe cl_socket_pair($0) }
        }
        return result >= 0 ? ends : nil
    }

    @discardableResult
    package static func close(_ fd: Int32) -> Int32 { cl_close(fd) }

    @discardableResult
    package static func shutdownWrite(_ fd: Int32) -> Int32 { cl_shutdown_write(fd) }

    /// Closes with RST, so that the peer cannot take an aborted transfer for a finished one.
    package static func abort(_ fd: Int32) {
        _ = cl_set_abortive_close(fd)
        _ = cl_close(fd)
    }

    /// The error that a socket has pending, 0 for none. Reading it clears it.
    package static func pendingError(_ fd: Int32) -> Int32 {
        var error: Int32 = 0
        let result = unsafe cl_get_option(fd, SOL_SOCKET, SO_ERROR, &error)
        return result < 0 ? -result : error
    }

    package static func monotonicNanoseconds() -> UInt64 { cl_monotonic_ns() }

    /// Microseconds since 1970.
    package static func realtimeMicroseconds() -> Int64 { cl_realtime_us() }

    /// Gives up the pages of code that only start-up needed (parsing flags and YAML, reflection): some 30 MiB that would
    /// otherwise count as this process's memory for as long as it runs. What is used again comes back by itself.
    package static func forgetStartupCode() { cl_forget_code() }

    /// Gives the memory that the allocator holds free back to the kernel. Cost: milliseconds, for every thread that
    /// allocates meanwhile.
    package static func returnFreeMemory() { cl_return_free_memory() }

    /// Gives the memory of a buffer back to the kernel, but for pages that it shares with others: what was in it is lost, and
    /// it may be used again.
    package static func forget(_ base: UnsafeMutablePointer<UInt8>, _ count: Int) { unsafe cl_forget(base, count) }

    /// Raises the soft limit of open descriptors to the hard one; returns it.
    package static func raiseDescriptorLimit() throws(KernelError) -> Int {
        let result = cl_raise_descriptor_limit()
        guard result >= 0 else {
            throw KernelError(code: Int32(-result), operation: "raise the limit of open descriptors")
        }
        return result
    }
}

/// One span of a gathered write; laid out as the kernel's `iovec`.
@safe
package struct IOVector {
    package var base: UnsafeMutableRawPointer?
    package var count: Int

    package init(base: UnsafeMutableRawPointer?, count: Int) {
        unsafe self.base = base
        self.count = count
    }
}
