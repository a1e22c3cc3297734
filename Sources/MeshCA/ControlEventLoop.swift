package import NIOPosix

/// The one event loop thread that certificate calls share, client and server.
package enum ControlEventLoop {
    /// Lives as long as the process.
    package static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
}
