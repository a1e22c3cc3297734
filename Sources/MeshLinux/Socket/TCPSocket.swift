internal import CLinux
package import MeshCore

/// The socket calls of the data path. Descriptors are plain numbers here: their owner is the reactor's table.
package enum TCPSocket {
    /// Listens on `address`; an IPv6 wildcard is dual-stack.
    ///
    /// - Parameter transparent: asks for IP_TRANSPARENT; the result says whether it was granted.
    /// - Throws: the first call that failed, naming the address.
    package static func listen(
        _ address: SocketAddress, reusePort: Bool, transparent: Bool, options: SocketOptions, backlog: Int32 = 1024
    ) throws(KernelError) -> (descriptor: Int32, transparent: Bool) {
        let fd = cl_socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { throw KernelError(code: -fd, operation: "open a socket for \(address)") }
        func check(_ result: Int32, _ what: String) throws(KernelError) {
            guard result < 0 else { return }
            Kernel.close(fd)
            throw KernelError(code: -result, operation: "\(what) \(address)")
        }
        try check(cl_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1), "set SO_REUSEADDR on")
        if reusePort { try check(cl_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1), "set SO_REUSEPORT on") }
        if !address.ip.isV4 {
            try check(
                cl_set_option(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.ip.isUnspecified ? 0 : 1),
                "set IPV6_V6ONLY on")
        }
        if let mark = options.mark {
            try check(cl_set_option(fd, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark)), "set SO_MARK on")
        }
        // The IPv4 option also on an IPv6 wildcard: it is what lets a dual-stack listener answer for foreign IPv4 addresses.
        let granted = transparent && cl_set_option(fd, Int32(IPPROTO_IP), IP_TRANSPARENT, 1) >= 0
        if granted, !address.ip.isV4 { _ = cl_set_option(fd, Int32(IPPROTO_IPV6), IPV6_TRANSPARENT, 1) }
        // Accepted sockets inherit these, which saves a call for each connection.
        apply(options, to: fd)
        var (storage, length) = address.kernel(family: address.family)
        try check(unsafe cl_bind(fd, &storage, length), "bind")
        try check(cl_listen(fd, backlog), "listen on")
        return (fd, granted)
    }

    /// Asks the kernel to move what waits on a listener to another one of its SO_REUSEPORT group when it is closed, be it
    /// of this process or of its successor, instead of resetting it. Half-open connections move too.
    ///
    /// Source: tcp_migrate_req in ip-sysctl, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE in bpf(2): Linux 5.14, CAP_BPF.
    /// - Returns: whether it will.
    package static func letSuccessorInherit(_ listener: Int32) -> Bool { cl_migrate_on_close(listener) >= 0 }

    /// Begins a connect; the socket turns writable when it is decided.
    ///
    /// - Parameter source: the address to appear as (IP_TRANSPARENT and IP_FREEBIND); when the kernel refuses that, the
    ///   connection is made from our own address and `spoofed` is false.
    /// - Returns: the descriptor, or -errno of the call that failed.
    package static func connect(
        _ address: SocketAddress, from source: IPAddress?, options: SocketOptions
    ) -> (descriptor: Int32, spoofed: Bool) {
        let family = address.family
        let fd = cl_socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { return (fd, false) }
        if let mark = options.mark {
            let refused = cl_set_option(fd, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark))
            if refused < 0 {
                Kernel.close(fd)
                return (refused, false)
            }
        }
        apply(options, to: fd)
        var spoofed = false
        if let source, source.isV4 == address.ip.isV4 { spoofed = bindForeign(fd, source) }
        var (storage, length) = address.kernel(family: family)
        let result = unsafe cl_connect(fd, &storage, length)
        guard result >= 0 || result == -EINPROGRESS else {
            Kernel.close(fd)
            return (result, spoofed)
        }
        return (fd, spoofed)
    }

    private static func bindForeign(_ fd: Int32, _ source: IPAddress) -> Bool {
        let v4 = source.isV4
        let level = Int32(v4 ? IPPROTO_IP : IPPROTO_IPV6)
        guard cl_set_option(fd, level, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1) >= 0,
            cl_set_option(fd, level, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1) >= 0
        else { return false }
        // The port is left to connect(): bind() would look for one that nobody has with any destination, through every
        // connection of this source that is open or was closed within the last minute.
        _ = cl_set_option(fd, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
        var (storage, length) = SocketAddress(source, 0).kernel(family: v4 ? AF_INET : AF_INET6)
        return unsafe cl_bind(fd, &storage, length) >= 0
    }

    /// Takes one connection from a listener.
    ///
    /// - Returns: its descriptor and the peer's address, or -errno.
    package static func accept(_ listener: Int32) -> (descriptor: Int32, peer: SocketAddress) {
        var storage = sockaddr_storage()
        let fd = unsafe cl_accept(listener, &storage)
        guard fd >= 0 else { return (fd, SocketAddress(.anyV4, 0)) }
        return (fd, SocketAddress(kernel: storage) ?? SocketAddress(.anyV4, 0))
    }

    /// TCP_NODELAY, keepalive and user timeout. Failures are ignored: a connection works without them.
    package static func apply(_ options: SocketOptions, to fd: Int32) {
        _ = cl_set_option(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        if let keepalive = options.keepalive {
            _ = cl_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
            _ = cl_set_option(fd, Int32(IPPROTO_TCP), TCP_KEEPIDLE, keepalive.time)
            _ = cl_set_option(fd, Int32(IPPROTO_TCP), TCP_KEEPINTVL, keepalive.interval)
            _ = cl_set_option(fd, Int32(IPPROTO_TCP), TCP_KEEPCNT, keepalive.retries)
        }
        if let timeout = options.userTimeoutMilliseconds {
            _ = cl_set_option(fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, timeout)
        }
        if let bytes = options.receiveBuffer { boundReceiveBuffer(fd, bytes) }
    }

    /// The shortest round trip that a connection has seen, in microseconds: how far away its peer is, however much waits in
    /// between. `nil` where none was measured, and for what is no TCP connection.
    ///
    /// Source: tcpi_min_rtt of TCP_INFO, Linux 4.6; of the last five minutes.
    package static func leastRoundTrip(_ fd: Int32) -> Int? {
        let microseconds = cl_least_round_trip(fd)
        return microseconds < 0 ? nil : microseconds
    }

    /// Ends the kernel's own choice of how much may wait to be read: `bytes`, and as much again for its bookkeeping. Nothing
    /// changes where the kernel would not let more wait. More than net.core.rmem_max needs CAP_NET_ADMIN; without it the
    /// connection gets that.
    package static func boundReceiveBuffer(_ fd: Int32, _ bytes: Int32) {
        guard kernelsLargestBuffer > 2 * Int(bytes) else { return }
        if cl_set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes) < 0 {
            _ = cl_set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes)
        }
    }

    /// Bytes up to which the kernel lets the receive buffers of this network namespace grow; 0 when it does not say. Read once.
    private static let kernelsLargestBuffer: Int = {
        guard let file = try? InputFile("/proc/sys/net/ipv4/tcp_rmem") else { return 0 }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
            count = unsafe max(0, file.read(UnsafeMutableRawBufferPointer(buffer)))
        }
        // Three numbers: the least, that of a new socket, the most.
        return text.split(whereSeparator: { !(48...57).contains($0) }).last.flatMap {
            Int(String(decoding: $0, as: UTF8.self))
        } ?? 0
    }()

    package static func localAddress(_ fd: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        return unsafe cl_local_address(fd, &storage) >= 0 ? SocketAddress(kernel: storage) : nil
    }

    /// Where a redirected connection was going: SO_ORIGINAL_DST of its family, else its local address (TPROXY, or no
    /// redirection at all).
    ///
    /// - Parameter isV4: the peer's family, where it is known: saves a call. `nil` looks.
    package static func originalDestination(_ fd: Int32, isV4: Bool? = nil) -> SocketAddress? {
        let isV4 = isV4 ?? localAddress(fd)?.ip.isV4 ?? true
        var storage = sockaddr_storage()
        if unsafe cl_original_destination(fd, isV4 ? AF_INET : AF_INET6, &storage) >= 0,
            let original = SocketAddress(kernel: storage)
        {
            return original
        }
        return localAddress(fd)
    }
}
