import Glibc
import MeshCore
import NIOCore

extension MeshCore.SocketAddress {
    func nio() throws -> NIOCore.SocketAddress {
        try NIOCore.SocketAddress(packedIPAddress: ByteBuffer(bytes: ip.bytes), port: Int(port))
    }

    /// `nil` for anything but an IP address.
    init?(_ address: NIOCore.SocketAddress?) {
        guard let address, let text = address.ipAddress, let ip = IPAddress(text), let port = address.port else {
            return nil
        }
        self.init(ip, UInt16(truncatingIfNeeded: port))
    }
}

extension Channel {
    /// Sets an option at once. Only after registration, where the channel's owner can still close it: a bootstrap whose
    /// options fail forgets its socket.
    func set(_ level: Int32, _ name: Int32, _ value: Int32) throws {
        let option = ChannelOptions.Types.SocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: level), name: NIOBSDSocket.Option(rawValue: name))
        try syncOptions?.setOption(option, value: ChannelOptions.Types.SocketOption.Value(value))
    }

    func setMark(_ mark: UInt32?) throws {
        if let mark { try set(SOL_SOCKET, SO_MARK, Int32(bitPattern: mark)) }
    }
}
