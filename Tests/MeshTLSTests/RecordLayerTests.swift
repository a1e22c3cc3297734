import MeshCore
import MeshTLS
import Testing

/// Who does the records at either end.
struct Layers: Sendable, CustomStringConvertible {
    let client: TLSOptions
    let server: TLSOptions

    var description: String { "\(Self.name(client)) to \(Self.name(server)), \(client.cipherSuites[0].rawValue)" }

    private static func name(_ options: TLSOptions) -> String {
        options.records == .libssl ? "libssl" : "own \(options.engine?.rawValue ?? "")"
    }

    func established() throws -> Pair {
        let pair = try Pair(
            client: Fixture.credential("cart", options: client), server: Fixture.credential("front", options: server))
        pair.settle()
        return pair
    }

    /// Every record layer against every other, for every suite that both serve.
    static let all: [Layers] = TLSOptions.CipherSuite.allCases.flatMap { suite in
        var layers: [TLSOptions] = []
        var options = TLSOptions()
        options.cipherSuites = [suite]
        options.records = .libssl
        layers.append(options)
        options.records = .own
        for engine in AEADEngine.allCases where engine.serves(suite) {
            options.engine = engine
            layers.append(options)
        }
        return layers.flatMap { client in layers.map { Layers(client: client, server: $0) } }
    }
}

@Suite("Record layers against each other")
struct RecordLayerTests {
    @Test("each side says whose records it uses", arguments: Layers.all)
    func tells(layers: Layers) throws {
        let pair = try layers.established()
        for (side, options) in [(pair.client, layers.client), (pair.server, layers.server)] {
            let expected: RecordLayer = options.engine.map { .own($0) } ?? .libssl
            #expect(side.session.recordLayer == expected)
            #expect(side.session.cipherSuite == options.cipherSuites[0].rawValue)
            #expect(side.session.protocolVersion == "TLSv1.3")
        }
        #expect(try pair.client.session.peerCertificate?.uris == [Fixture.id("front").description])
        #expect(try pair.server.session.peerCertificate?.uris == [Fixture.id("cart", namespace: "shop").description])
    }

    @Test("data, KeyUpdates and the end come through in random pieces", arguments: Layers.all)
    func carries(layers: Layers) throws {
        let pair = try layers.established()
        var random = SystemRandomNumberGenerator()
        for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
            var sent: [UInt8] = []
            var wire: [UInt8] = []
            for round in 0..<40 {
                let part = RecordTests.pattern(Int.random(in: 1...(round % 8 == 7 ? 70_000 : 600), using: &random))
                if round % 5 == 2 { #expect(from.session.updateKeys(requestingPeer: round % 10 == 2)) }
                #expect(from.seal(part) == .sealed)
                sent += part
                wire += from.takeOutput()
            }
            var rest = wire[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...9000, using: &random))
                to.receive(Array(piece), capacity: Int.random(in: 1...40_000, using: &random))
                rest = rest.dropFirst(piece.count)
            }
            #expect(to.takeReceived() == sent)
            // Its answers to the requests.
            #expect(to.seal([1, 2, 3]) == .sealed)
            from.receive(to.takeOutput())
            #expect(from.takeReceived() == [1, 2, 3])
        }
        for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
            from.session.close()
            to.receive(from.takeOutput())
            #expect(to.ending == .closed)
        }
    }

    @Test("byte by byte", arguments: Layers.all)
    func byteByByte(layers: Layers) throws {
        let pair = try Pair(
            client: Fixture.credential("cart", options: layers.client),
            server: Fixture.credential("front", options: layers.server))
        pair.settle(chunk: 1)
        for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
            let data = RecordTests.pattern(3000)
            #expect(from.seal(data) == .sealed)
            for byte in from.takeOutput() { to.receive([byte]) }
            #expect(to.takeReceived() == data)
        }
    }

    @Test("data behind the last flight of the handshake is not lost", arguments: Layers.all)
    func keepsEarlyData(layers: Layers) throws {
        let pair = try Pair(
            client: Fixture.credential("cart", options: layers.client),
            server: Fixture.credential("front", options: layers.server))
        pair.client.begin()
        pair.server.receive(pair.client.takeOutput())
        pair.client.receive(pair.server.takeOutput())
        #expect(pair.client.step == .done)
        let data = RecordTests.pattern(20_000)
        #expect(pair.client.seal(data) == .sealed)
        // One flight: certificate, Finished and data. The server's own record layer begins in the middle of it.
        pair.server.receive(pair.client.takeOutput())
        #expect(pair.server.takeReceived() == data)
    }

    @Test("an altered record is told to the peer", arguments: Layers.all)
    func tellsPeer(layers: Layers) throws {
        let pair = try layers.established()
        #expect(pair.client.seal([1, 2, 3]) == .sealed)
        var record = pair.client.takeOutput()
        record[record.count - 1] ^= 1
        pair.server.receive(record)
        #expect(pair.server.failure == .badRecord)
        pair.client.receive(pair.server.takeOutput())
        #expect(pair.client.failure == .peerAlert("bad_record_mac"))
    }

    @Test("TLS 1.2 stays with libssl")
    func olderVersion() throws {
        var options = TLSOptions()
        options.allowsTLS12 = true
        options.records = .own
        let peer = try ForeignPeer(
            client: ["-tls1_2", "-alpn", "h2", "-quiet", "-no_ign_eof"] + ForeignPeer.identity("cart"))
        let side = try Side(.server, Fixture.credential("front", options: options), expecting: Fixture.cluster)
        peer.settle(side) { side.step == .done }
        #expect(side.step == .done)
        #expect(side.session.recordLayer == .libssl)
        #expect(side.session.protocolVersion == "TLSv1.2")
    }

    #if canImport(CIPSecMB)
        @Test("an engine that serves none of the suites is refused when own records are demanded")
        func refusesEngine() throws {
            var options = TLSOptions()
            options.records = .own
            options.engine = .ipsecMB
            options.cipherSuites = [.chacha20Poly1305]
            #expect(throws: TLSError.self) { try Fixture.credential("cart", options: options) }
            options.records = .auto
            #expect(throws: Never.self) { try Fixture.credential("cart", options: options) }
        }
    #endif
}
