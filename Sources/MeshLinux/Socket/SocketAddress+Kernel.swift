internal import CLinux
internal import Glibc
internal import MeshCore

extension SocketAddress {
    /// Reads what the kernel filled in; `nil` when it is neither IPv4 nor IPv6.
    init?(kernel storage: sockaddr_storage) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            let v4 = unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in.self) }
            self.init(IPAddress(v4: UInt32(bigEndian: v4.sin_addr.s_addr)), UInt16(bigEndian: v4.sin_port))
        case AF_INET6:
            let (v6, high, low) = unsafe withUnsafeBytes(of: storage) { bytes in
                let v6 = unsafe bytes.load(as: sockaddr_in6.self)
                // sin6_addr stands at offset 8: family, port, flow information come before it.
                return unsafe (
                    v6, UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                )
            }
            self.init(IPAddress(high: high, low: low), UInt16(bigEndian: v6.sin6_port))
        default:
            return nil
        }
    }

    /// The kernel's form. An IPv4 address is written IPv4-mapped where the socket is of family AF_INET6.
    func kernel(family: Int32) -> (storage: sockaddr_storage, length: socklen_t) {
        var storage = sockaddr_storage()
        if family == AF_INET {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = ip.v4.bigEndian
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v4, as: sockaddr_in.self) }
            return (storage, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.storeBytes(of: sa_family_t(AF_INET6), as: sa_family_t.self)
            unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            unsafe bytes.storeBytes(of: ip.high.bigEndian, toByteOffset: 8, as: UInt64.self)
            unsafe bytes.storeBytes(of: ip.low.bigEndian, toByteOffset: 16, as: UInt64.self)
        }
        return (storage, socklen_t(MemoryLayout<sockaddr_in6>.size))
    }

    var family: Int32 { ip.isV4 ? AF_INET : AF_INET6 }
}
