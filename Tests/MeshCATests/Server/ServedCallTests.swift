import Foundation
import Logging
import MeshCA
import MeshCore
import MeshTestSupport
import SwiftProtobuf
import Testing

/// curl speaks HTTP/2 and knows nothing of gRPC: what it sends and sees is what is on the wire.
@Suite("A call of a served authority, on the wire")
struct ServedCallTests {
    private static let path = "/istio.v1.auth.IstioCertificateService/CreateCertificate"

    /// What curl prints of the answer: status line, headers, body.
    private func ask(
        _ served: ServedAuthority, _ path: String = path, type: String = "application/grpc", message: [UInt8]? = nil,
        _ options: String...
    ) async throws -> (status: Int32, output: String) {
        let request = IstioCertificateRequest(csr: try signingRequest(), validityDuration: 0, impersonatedIdentity: nil)
        let bytes: [UInt8] = try message ?? request.serializedBytes()
        let frame = [0] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
        let body = served.folder.file("body")
        try Data(frame).write(to: URL(filePath: body))
        let roots = try served.folder.write("roots", served.authority.material.rootPEM)
        return try await runApart(
            [
                "curl", "-sS", "--http2", "-m", "20", "-D", "-", "-o", "/dev/null", "--cacert", roots, "-H",
                "content-type: \(type)", "-H", "te: trailers", "--data-binary", "@\(body)",
                "https://\(served.address)\(path)",
            ] + options)
    }

    private func until(_ what: String, _ done: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while !done() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("is answered with its status behind the message")
    func answered() async throws {
        let authorization = PatientAuthorization(try identity("shop", "cart"))
        authorization.open()
        try await ServedAuthority.serving(authorization: authorization) { served in
            let answer = try await ask(served).output
            #expect(answer.contains("HTTP/2 200"), "\(answer)")
            #expect(answer.contains("content-type: application/grpc"))
            #expect(answer.contains("grpc-status: 0"))
        }
    }

    @Test("that is none is told so in HTTP or in gRPC")
    func refused() async throws {
        try await ServedAuthority.serving { served in
            let get = try await ask(served, Self.path, message: nil, "-X", "GET").output
            #expect(get.contains("HTTP/2 405"), "\(get)")
            let page = try await ask(served, type: "text/html").output
            #expect(page.contains("HTTP/2 415"), "\(page)")
            let other = try await ask(served, "/istio.v1.auth.IstioCertificateService/Other").output
            #expect(other.contains("grpc-status: 12") && other.contains("grpc-message: no method "), "\(other)")
            let packed = try await ask(served, Self.path, message: nil, "-H", "grpc-encoding: gzip").output
            #expect(packed.contains("grpc-status: 12"), "\(packed)")
            let garbage = try await ask(served, message: [0xff, 0xff, 0xff]).output
            #expect(garbage.contains("grpc-status: 3"), "\(garbage)")
            let unknown = try await ask(served).output
            #expect(unknown.contains("grpc-status: 16"), "\(unknown)")
        }
    }

    @Test("ends when its time is up, and nobody goes on with it")
    func deadline() async throws {
        let authorization = PatientAuthorization(try identity("shop", "cart"))
        try await ServedAuthority.serving(authorization: authorization) { served in
            let answer = try await ask(served, Self.path, message: nil, "-H", "grpc-timeout: 100m").output
            #expect(answer.contains("grpc-status: 4"), "\(answer)")
            try await until("the decision to be given up") { authorization.gaveUp == 1 }
        }
    }

    /// A conversation in HTTP/2 by hand: requests of 100 KiB that are never whole.
    private static let halves = """
        import socket, ssl, struct, sys
        context = ssl.create_default_context(cafile=sys.argv[2])
        context.set_alpn_protocols(["h2"])
        host, port = sys.argv[1].rsplit(":", 1)
        link = context.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
        def frame(kind, flags, stream, body):
            return struct.pack("!I", len(body))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + body
        def literal(name, value):
            return b"\\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
        head = b"".join(literal(*pair) for pair in [
            (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"ca"), (b":path", sys.argv[3].encode()),
            (b"content-type", b"application/grpc")])
        link.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, b""))
        for stream in range(1, int(sys.argv[4]) * 2, 2):
            link.sendall(frame(1, 4, stream, head) + frame(0, 0, stream, b"\\0\\0\\1\\xff\\0"))
        streams, wanted = range(1, int(sys.argv[4]) * 2, 2), int(sys.argv[5])
        answers, got, window = set(), b"", 65535
        def take():
            global got, window
            got += link.recv(65536) or sys.exit("ended")
            while len(got) >= 9 and len(got) >= 9 + int.from_bytes(got[:3], "big"):
                size, stream = int.from_bytes(got[:3], "big"), int.from_bytes(got[5:9], "big")
                if got[3] == 1:
                    answers.add(stream)
                if got[3] == 8 and stream == 0:
                    window += int.from_bytes(got[9:13], "big")
                got = got[9 + size:]
        for stream in streams:
            for _ in range(6):
                while window < 10000:
                    take()
                if stream not in answers:
                    link.sendall(frame(0, 0, stream, b"x" * 10000))
                    window -= 10000
        while len(answers) < wanted:
            take()
        print("answered", sorted(answers))
        """

    @Test("that is never whole ends, and one connection cannot have many of them")
    func halfSaid() async throws {
        try await ServedAuthority.serving { served in
            let roots = try served.folder.write("roots", served.authority.material.rootPEM)
            let script = try served.folder.write("halves.py", Self.halves)
            // Eight times 60 KB is more than may be held; what is held is ended after ten seconds.
            for (streams, answers) in [(8, 1), (2, 2)] {
                let result = try await runApart(
                    ["python3", script, "\(served.address)", roots, Self.path, "\(streams)", "\(answers)"])
                #expect(result.status == 0 && result.output.contains("answered"), "\(result.output)")
            }
            #expect(!served.log.lines.contains { $0.level == .warning })
        }
    }

    @Test("whose caller has gone is given up")
    func gone() async throws {
        let authorization = PatientAuthorization(try identity("shop", "cart"))
        try await ServedAuthority.serving(authorization: authorization) { served in
            let answer = try await ask(served, Self.path, message: nil, "-m", "0.5")
            #expect(answer.status == 28, "\(answer)")
            try await until("the decision to be given up") { authorization.gaveUp == 1 }
        }
    }

    @Test("that is open when the server stops is answered")
    func drained() async throws {
        let id = try identity("shop", "cart")
        let authorization = PatientAuthorization(id)
        try await ServedAuthority.serving(authorization: authorization) { served in
            let client = try served.client(token: "cart")
            async let answer = client.issue(identity: id, ttl: .zero, impersonate: false)
            try await until("the call") { authorization.asking == 1 }
            served.events.yield(.stop)
            try await Task.sleep(for: .milliseconds(100))
            authorization.open()
            #expect(try await answer.identity == id)
            #expect(!served.log.lines.contains { $0.message == "stopped with open connections" })
        }
    }

    @Test("that is still open at the deadline of a stop is cut, and the log says so")
    func cut() async throws {
        let authorization = PatientAuthorization(try identity("shop", "cart"))
        try await ServedAuthority.serving(authorization: authorization, drainDeadline: .milliseconds(300)) { served in
            async let answer = ask(served)
            try await until("the call") { authorization.asking == 1 }
            served.events.yield(.stop)
            let cut = try await answer
            #expect(cut.status != 0, "\(cut)")
            try await until("the log line") {
                served.log.lines.contains { $0.message == "stopped with open connections" }
            }
        }
    }
}
