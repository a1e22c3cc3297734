internal import CLinux
package import MeshCore

/// An epoll instance and the events of one wait. Confined to the thread that made it.
@safe
package final class Poller {
    /// Events to wait for, or that came. No `OptionSet`: in another module its operations are calls through the protocol,
    /// and there are five of them for each event.
    package struct Interest: Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Whether any of `others` is among these.
        package func has(_ others: Interest) -> Bool { rawValue & others.rawValue != 0 }

        package static var nothing: Interest { Interest(rawValue: 0) }
        package static var readable: Interest { Interest(rawValue: EPOLLIN.rawValue) }
        package static var urgent: Interest { Interest(rawValue: EPOLLPRI.rawValue) }
        package static var writable: Interest { Interest(rawValue: EPOLLOUT.rawValue) }
        package static var error: Interest { Interest(rawValue: EPOLLERR.rawValue) }
        package static var hangup: Interest { Interest(rawValue: EPOLLHUP.rawValue) }
        package static var readClosed: Interest { Interest(rawValue: EPOLLRDHUP.rawValue) }
        /// Told once per change.
        package static var edge: Interest { Interest(rawValue: 1 << 31) }

        package static func | (some: Interest, more: Interest) -> Interest {
            Interest(rawValue: some.rawValue | more.rawValue)
        }

        /// What a connection asks for: both directions, told once per change.
        package static var connection: Interest { readable | urgent | writable | readClosed | edge }
        package static var broken: Interest { error | hangup }
        package static var ended: Interest { readClosed | broken }
        /// Something can be read, be it the end.
        package static var anythingToRead: Interest { readable | ended }
        /// From then on, fewer bytes than were asked for do not say that nothing is left: the end is there to be read, or
        /// reading stopped at urgent data (tcp(7)).
        package static var breaksReading: Interest { urgent | ended }
        /// What decides a connect.
        package static var connected: Interest { writable | broken }
    }

    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int32 = 512

    package init() throws(KernelError) {
        let fd = cl_epoll_create()
        guard fd >= 0 else { throw KernelError(code: -fd, operation: "create an epoll instance") }
        descriptor = fd
        unsafe events = .allocate(capacity: Int(capacity))
    }

    deinit {
        Kernel.close(descriptor)
        unsafe events.deallocate()
    }

    /// - Returns: 0 or -errno.
    package func add(_ fd: Int32, _ interest: Interest, token: UInt64) -> Int32 {
        cl_epoll_control(descriptor, EPOLL_CTL_ADD, fd, interest.rawValue, token)
    }

    package func modify(_ fd: Int32, _ interest: Interest, token: UInt64) -> Int32 {
        cl_epoll_control(descriptor, EPOLL_CTL_MOD, fd, interest.rawValue, token)
    }

    package func remove(_ fd: Int32) { _ = cl_epoll_control(descriptor, EPOLL_CTL_DEL, fd, 0, 0) }

    /// Waits for events; -1 ms waits for ever. Returns their number, 0 on a timeout or a signal.
    package func wait(milliseconds: Int32) -> Int {
        max(0, Int(unsafe cl_epoll_wait(descriptor, events, capacity, milliseconds)))
    }

    @inline(__always) package func token(_ index: Int) -> UInt64 { unsafe cl_epoll_token(events + index) }
    @inline(__always) package func ready(_ index: Int) -> Interest { Interest(rawValue: unsafe events[index].events) }
}

/// A descriptor that wakes a poller from any thread.
package struct Doorbell: ~Copyable, Sendable {
    package let descriptor: Int32

    package init() throws(KernelError) {
        let fd = cl_eventfd()
        guard fd >= 0 else { throw KernelError(code: -fd, operation: "create an eventfd") }
        descriptor = fd
    }

    package func ring() { _ = cl_eventfd_signal(descriptor) }
    package func clear() { _ = cl_eventfd_clear(descriptor) }

    deinit { Kernel.close(descriptor) }
}
