import CAllocations
import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshTLS
import Synchronization
import Testing

@testable import MeshProxy

/// What another thread counts and the test waits for.
final class Count: Sendable {
    private let value = Atomic<Int>(0)
    func add(_ count: Int) { value.add(count, ordering: .sequentiallyConsistent) }
    var now: Int { value.load(ordering: .sequentiallyConsistent) }
}

func readAll(_ fd: Int32, _ count: Count, check: ((UnsafeBufferPointer<UInt8>) -> Void)? = nil) {
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 18)
    defer { buffer.deallocate() }
    while true {
        let length = read(fd, buffer, 1 << 18)
        guard length > 0 else { return }
        check?(UnsafeBufferPointer(start: buffer, count: length))
        count.add(length)
    }
}

func writeZeros(_ fd: Int32, _ total: Int) {
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 18)
    buffer.initialize(repeating: 0, count: 1 << 18)
    defer { buffer.deallocate() }
    var left = total
    while left > 0 {
        let wrote = send(fd, buffer, min(left, 1 << 18), Int32(MSG_NOSIGNAL))
        guard wrote > 0 else { return }
        left -= wrote
    }
}

/// Answers only when the client has said all: without half-close this would never end.
private func answerAtTheEnd(_ connection: Int32, _ request: Count) {
    readAll(connection, request)
    writeZeros(connection, 1000)
}

/// Says all that a client has to say, and counts the answer.
private func ask(_ client: Int32, _ total: Int, _ answered: Count) {
    writeZeros(client, total)
    shutdown(client, Int32(SHUT_WR))
    readAll(client, answered)
    close(client)
}

/// Waits until the connection is closed or reset.
private func awaitEnd(_ client: Int32, _ ended: Count) {
    var byte: UInt8 = 0
    _ = read(client, &byte, 1)
    ended.add(1)
    close(client)
}

@Suite("The path of a tunnelled connection", .serialized)
struct TunnelPathTests {
    static let mebibyte = 1 << 20

    /// The rule of the hot path: nothing is allocated per chunk (a MiB is 64 records). libnghttp2 allocates for each
    /// WINDOW_UPDATE, and unoptimised code for generics that are not specialised, both a few times per turn. libssl 3.0
    /// allocates inside itself per record; that is counted apart. How many turns a MiB takes depends on who else uses
    /// the CPUs.
    #if DEBUG
        static let allocationsPerMebibyte = 96
        static let allocationsPerTurn = 16
    #else
        static let allocationsPerMebibyte = 16
        static let allocationsPerTurn = 4
    #endif

    @Test("allocates nothing per chunk copied, in either direction", arguments: [true, false])
    func allocations(uplink: Bool) throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let (warm, total) = (32 * Self.mebibyte, 160 * Self.mebibyte)
        let received = Count()
        let server = try application.serve { connection in
            if uplink { readAll(connection, received) } else { writeZeros(connection, total) }
        }
        let client = try mesh.connect(to: application.address)
        let far = try KernelThread.start("client") {
            if uplink { writeZeros(client, total) } else { readAll(client, received) }
            close(client)
        }
        try mesh.turn { received.now >= warm }
        let turnsBefore = mesh.turns
        let (before, libraryBefore) = (allocation_count(), library_allocation_count())
        try mesh.turn { received.now >= total }
        let (ours, libraries) = (allocation_count() - before, library_allocation_count() - libraryBefore)
        let mebibytes = (total - warm) / Self.mebibyte
        print(
            "\(ours) allocations in \(mesh.turns - turnsBefore) turns (and \(libraries) of libssl) for \(mebibytes) MiB \(uplink ? "up" : "down")"
        )
        // A busy machine cuts the same bytes into more turns, each with its few.
        let turns = mesh.turns - turnsBefore
        #expect(Int(ours) < max(mebibytes * Self.allocationsPerMebibyte, turns * Self.allocationsPerTurn))
        try mesh.turn { mesh.reactor.connections <= 2 }
        server.join()
        far.join()
    }

    /// Whose records, and after how many of them the key changes.
    static let records: [(TLSOptions.Records, Int)] = [(.own, 1 << 23), (.own, 40), (.libssl, 1 << 23), (.libssl, 40)]

    @Test(
        "carries every byte in order through both windows, by any record layer and while keys change",
        arguments: records)
    func integrity(records: TLSOptions.Records, perKey: Int) throws {
        var options = TLSOptions()
        (options.records, options.recordsPerKey) = (records, perKey)
        let mesh = try LoopbackMesh(tls: options)
        let application = try Application()
        let (received, mismatches) = (Count(), Count())
        let total = 24 * Self.mebibyte + 12_345
        let server = try application.serve { connection in
            // Slow on purpose at the start, so that queues and windows fill.
            usleep(300_000)
            var position = 0
            readAll(connection, received) { bytes in
                for byte in bytes {
                    if byte != UInt8(truncatingIfNeeded: position &* 7 &+ position >> 13) { mismatches.add(1) }
                    position += 1
                }
            }
        }
        let client = try mesh.connect(to: application.address)
        let far = try KernelThread.start("client") {
            var bytes = [UInt8](repeating: 0, count: total)
            for position in 0..<total { bytes[position] = UInt8(truncatingIfNeeded: position &* 7 &+ position >> 13) }
            var sent = 0
            while sent < total {
                let wrote = bytes[sent...].withUnsafeBytes {
                    send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard wrote > 0 else { return }
                sent += wrote
            }
            close(client)
        }
        try mesh.turn { received.now >= total && mesh.reactor.connections == 2 }
        #expect(received.now == total)
        #expect(mismatches.now == 0)
        server.join()
        far.join()
    }

    @Test("ends each direction on its own")
    func halfClose() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let (request, answered) = (Count(), Count())
        let server = try application.serve { answerAtTheEnd($0, request) }
        let client = try mesh.connect(to: application.address)
        let far = try KernelThread.start("client") { ask(client, 77, answered) }
        // What stays is the pooled tunnel, seen from both ends.
        try mesh.turn { answered.now == 1000 && mesh.reactor.connections == 2 }
        #expect(request.now == 77)
        server.join()
        far.join()
    }

    @Test("is closed when the policy refuses, and the server never hears of it")
    func denied() throws {
        let everyone = AuthorizationPolicy(
            name: "nobody", namespace: "shop", scope: .namespace, action: .deny, rules: [.init()])
        let mesh = try LoopbackMesh(policies: [everyone])
        let application = try Application()
        defer { Kernel.close(application.descriptor) }
        let client = try mesh.connect(to: application.address)
        let ended = Count()
        let far = try KernelThread.start("client") { awaitEnd(client, ended) }
        try mesh.turn { ended.now == 1 }
        far.join()
        _ = fcntl(application.descriptor, F_SETFL, O_NONBLOCK)
        #expect(accept(application.descriptor, nil, nil) < 0)
    }

    @Test("is closed when the far proxy is somebody else")
    func otherIdentity() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        defer { Kernel.close(application.descriptor) }
        let stranger = try SPIFFEID(parsing: "spiffe://cluster.local/ns/shop/sa/other")
        let client = try mesh.connect(to: application.address, expecting: [stranger])
        let ended = Count()
        let far = try KernelThread.start("client") { awaitEnd(client, ended) }
        try mesh.turn { ended.now == 1 && mesh.reactor.connections == 0 }
        far.join()
    }

    @Test("shares one tunnel among streams up to the cap")
    func pooling() throws {
        let mesh = try LoopbackMesh { $0.poolMaxStreams = 3 }
        let application = try Application()
        var clients: [Int32] = []
        for _ in 0..<7 { clients.append(try mesh.connect(to: application.address)) }
        #expect(mesh.reactor.tunnels.all.count == 3)
        #expect(mesh.reactor.tunnels.all.map(\.streamCount).sorted() == [1, 3, 3])
        for client in clients { close(client) }
        // Connections that wait in the backlog are reset with it.
        Kernel.close(application.descriptor)
        try mesh.turn { mesh.reactor.tunnels.all.allSatisfy { $0.streamCount == 0 } }
        #expect(mesh.reactor.tunnels.all.count == 3)
    }

    @Test("keeps an idle tunnel no longer than the pool says")
    func idle() throws {
        let mesh = try LoopbackMesh { $0.poolIdleTimeout = 1 }
        let application = try Application()
        let server = try application.serve { connection in readAll(connection, Count()) }
        let client = try mesh.connect(to: application.address)
        try mesh.turn { mesh.reactor.tunnels.all.contains { $0.phase == .open } }
        close(client)
        try mesh.turn { mesh.reactor.tunnels.all.isEmpty && mesh.reactor.connections == 0 }
        server.join()
    }

    @Test("lets open streams finish when draining, and takes no new connections")
    func drain() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let (request, answered) = (Count(), Count())
        let server = try application.serve { answerAtTheEnd($0, request) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 10)
        try mesh.turn { request.now == 10 }
        mesh.reactor.mailbox.post(.drain)
        try mesh.turn { mesh.reactor.draining }
        #expect(mesh.reactor.listeners.isEmpty)
        let far = try KernelThread.start("client") { ask(client, 67, answered) }
        try mesh.turn { answered.now == 1000 && mesh.reactor.connections == 0 }
        #expect(request.now == 77)
        server.join()
        far.join()
    }

    @Test("cuts what is open when told to stop")
    func stop() throws {
        let mesh = try LoopbackMesh()
        let application = try Application()
        let (request, ended) = (Count(), Count())
        let server = try application.serve { connection in readAll(connection, request) }
        let client = try mesh.connect(to: application.address)
        writeZeros(client, 10)
        try mesh.turn { request.now == 10 }
        mesh.reactor.mailbox.post(.stop)
        mesh.reactor.run()
        let far = try KernelThread.start("client") {
            readAll(client, Count())
            ended.add(1)
            close(client)
        }
        far.join()
        server.join()
        #expect(ended.now == 1)
        #expect(mesh.reactor.connections == 0)
    }

    @Test("spends no more memory per connection than its budget")
    func sizes() {
        #expect(class_getInstanceSize(TunnelStream.self) <= 256)
        #expect(class_getInstanceSize(ConnectionRecord.self) <= 512)
        #expect(class_getInstanceSize(RelayEnd.self) <= 256)
    }

    @Test("keeps no timers of connections that came and went")
    func comeAndGo() throws {
        let (mesh, application, rounds) = (try LoopbackMesh(), try Application(), 40)
        let server = try application.serve(rounds) { connection in
            var byte: UInt8 = 0
            _ = unsafe read(connection, &byte, 1)
        }
        for _ in 0..<rounds {
            let client = try mesh.connect(to: application.address)
            try mesh.turn { mesh.reactor.connections == 4 }
            close(client)
            try mesh.turn { mesh.reactor.connections == 2 }
        }
        server.join()
        let later = mesh.reactor.now + 3 * TimerWheel.tickNanoseconds
        try mesh.turn { mesh.reactor.now >= later }
        // Of the two ends of the tunnel: to open, to shake hands, to ping, to be idle; the reactor's own; the helper's.
        #expect(mesh.reactor.timers.count < rounds / 2)
    }
}

/// Bytes of one instance of a class, as the runtime allocates it.
private func class_getInstanceSize(_ type: AnyClass) -> Int {
    unsafeBitCast(type, to: UnsafeRawPointer.self).load(fromByteOffset: 48, as: UInt32.self).asInt
}

extension UInt32 {
    fileprivate var asInt: Int { Int(self) }
}
