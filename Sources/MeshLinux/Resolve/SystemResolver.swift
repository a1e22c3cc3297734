internal import CLinux
internal import Glibc
package import MeshCore

/// The resolver of the system: hosts file, search list and servers as this machine has them.
package enum SystemResolver {
    package enum Failure: Error, Sendable, Equatable {
        /// The name does not exist, or has no address.
        case noAddress
        case other(String)
    }

    /// Every address of `host`, both families, in the order of the system's preference. Blocks for as long as the
    /// system's servers take, which may be tens of seconds: not for a reactor, nor for a thread of Swift's pool.
    package static func addresses(of host: String) -> Result<[IPAddress], Failure> {
        // A zero byte would cut the name short, and look up another one.
        guard !host.isEmpty, !host.utf8.contains(0) else { return .failure(.noAddress) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        // One entry per address, not one per kind of socket.
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        let error = errno
        defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
        switch code {
        case 0: break
        // EAI_NODATA is -5, and not among what glibc declares by default.
        case EAI_NONAME, -5: return .failure(.noAddress)
        case EAI_SYSTEM: return .failure(.other(KernelError.text(error)))
        default: return .failure(.other(unsafe String(cString: gai_strerror(code))))
        }
        var found: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe address(entry.pointee), !found.contains(address) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found.isEmpty ? .failure(.noAddress) : .success(found)
    }

    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let raw = unsafe entry.ai_addr, unsafe Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: Int(entry.ai_addrlen)))
        }
        return SocketAddress(kernel: storage)?.ip
    }
}
