import ArgumentParser
import MeshControl
import MeshCore

/// `--address` of a running proxy's admin port.
struct AdminArguments: ParsableArguments {
    @Option(
        help: "Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.")
    var address = "127.0.0.1:15000"

    func client() throws(MeshFailure) -> AdminClient { AdminClient(try socketAddress()) }

    private func socketAddress() throws(MeshFailure) -> SocketAddress {
        // What people write for loopback.
        let text = address.hasPrefix("localhost:") ? "127.0.0.1" + address.dropFirst("localhost".count) : address[...]
        if let address = SocketAddress(text), address.port != 0 { return address }
        throw MeshFailure(
            .usage, doing: "read --address", reason: "\"\(address)\" is not address:port, such as 127.0.0.1:15000")
    }
}
