/// What is set on each TCP socket that a proxy makes or accepts.
package struct SocketOptions: Sendable, Equatable {
    /// TCP keepalive, in whole seconds; `nil` leaves it off.
    package struct Keepalive: Sendable, Equatable {
        package var time: Int32 = 180
        package var interval: Int32 = 180
        package var retries: Int32 = 9
        package init() {}
    }

    /// SO_MARK; `nil` sets none. Needs CAP_NET_ADMIN.
    package var mark: UInt32?
    package var keepalive: Keepalive? = Keepalive()
    /// TCP_USER_TIMEOUT in milliseconds; `nil` leaves the kernel's rule.
    package var userTimeoutMilliseconds: Int32?
    /// How much may wait to be read, in bytes; `nil` leaves it to the kernel, which lets more wait the faster the peer sends.
    package var receiveBuffer: Int32?
    package init() {}
}
