import Foundation
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
