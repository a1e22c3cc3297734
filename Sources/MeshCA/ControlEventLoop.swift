import FoundationEssentials
package import NIOPosix

/// Threads that wait for the sockets of the control path. They live as long as the process.
package enum ControlEventLoop {
    /// The one that certificate calls of a client and all pages of HTTP share.
    package static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// One for each core: calls to an authority are answered on the loop of their connection.
    static let calls = MultiThreadedEventLoopGroup(numberOfThreads: ProcessInfo.processInfo.activeProcessorCount)
}
