import MeshCore
import MeshTLS
import Testing

@Suite("TLS with other commands than openssl")
struct OtherPeerTests {
    /// Each record layer, and each suite that GnuTLS is made to choose.
    static let servers: [TLSOptions] = TLSOptions.CipherSuite.allCases.flatMap { suite in
        Layers.all.map(\.server).filter { $0.cipherSuites == [suite] }
    }.reduce(into: []) { all, one in if !all.contains(one) { all.append(one) } }

    private func server(_ options: TLSOptions) throws -> Side {
        try Side(.server, Fixture.credential("front", options: options), expecting: Fixture.cluster)
    }

    @Test("GnuTLS as client: data both ways, and KeyUpdates of either side in between", arguments: servers)
    func gnutls(options: TLSOptions) throws {
        let side = try server(options)
        let peer = try ForeignPeer(client: "/usr/bin/gnutls-cli") { port in
            [
                "--insecure", "--alpn", "h2", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--x509certfile",
                Fixture.path("cart.pem"), "--x509keyfile", Fixture.path("cart.key.pem"), "--inline-commands", "-p",
                "\(port)", "127.0.0.1",
            ]
        }
        peer.settle(side) { side.step == .done }
        #expect(try side.session.peerIdentity == Fixture.id("cart", namespace: "shop"))
        for round in 0..<4 {
            if round == 2 {
                let before = side.cipherBytes
                peer.type("^rekey^\n")
                peer.settle(side) { side.cipherBytes > before }
            }
            if round == 3 { #expect(side.session.updateKeys(requestingPeer: true)) }
            peer.type("hello \(round)\n")
            peer.settle(side) { side.received.count >= 8 }
            #expect(side.takeReceived() == Array("hello \(round)\n".utf8))
            #expect(side.seal(Array("answer \(round)\n".utf8)) == .sealed)
            peer.settle(side) { true }
            #expect(peer.reads("answer \(round)\n"))
        }
        #expect(side.failure == nil)
    }

    /// Sends back what it gets.
    private static let echo = """
        import socket, ssl, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(sys.argv[4])
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        context.set_alpn_protocols(["h2"])
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        while data := stream.recv(1 << 16):
            stream.sendall(data)
        print("ended", flush=True)
        """

    @Test("Python as client: a MiB there and back, while our keys change", arguments: servers)
    func python(options: TLSOptions) throws {
        var options = options
        options.recordsPerKey = 20
        let side = try server(options)
        let peer = try ForeignPeer(client: "/usr/bin/python3") { port in
            [
                "-c", Self.echo, "\(port)", Fixture.path("cart.pem"), Fixture.path("cart.key.pem"),
                Fixture.path("root.pem"),
            ]
        }
        peer.settle(side) { side.step == .done }
        // Less in flight than sockets hold, since this end reads nothing while it sends.
        for round in 0..<32 {
            let data = RecordTests.pattern(32_768 + round)
            if round % 8 == 5 { #expect(side.session.updateKeys(requestingPeer: true)) }
            #expect(side.seal(data) == .sealed)
            peer.settle(side) { side.received.count >= data.count }
            #expect(side.takeReceived() == data)
        }
        side.session.close()
        peer.settle(side) { false }
        #expect(side.failure == nil)
        #expect(peer.reads("ended"))
    }
}
