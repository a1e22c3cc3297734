import MeshCA
import NIOCore
import NIOHPACK
import Testing

@Suite("A gRPC call, as it comes in")
struct CallTests {
    private static let path = "/s/M"

    private func head(_ changes: (String, String)...) -> Result<CallHead, CallHead.Refusal> {
        var headers = HPACKHeaders([
            (":method", "POST"), (":scheme", "https"), (":path", Self.path), (":authority", "ca"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ])
        for (name, value) in changes { headers.replaceOrAdd(name: name, value: value) }
        return Result { () throws(CallHead.Refusal) in try CallHead(headers, path: Self.path) }
    }

    @Test("says who asks, for how long it waits, and from which cluster")
    func reads() throws {
        let read = try head(
            ("authorization", "Bearer x"), ("clusterid", "c1"), ("grpc-timeout", "250m"), ("grpc-encoding", "identity"),
            ("content-type", "application/grpc+proto")
        ).get()
        #expect(read.authorization == ["Bearer x"] && read.clusterID == "c1")
        #expect(read.timeout == .milliseconds(250))
    }

    @Test(
        "waits in any unit",
        arguments: [
            ("1H", 3600), ("2M", 120), ("99999999S", 86_400), ("99999999H", 86_400), ("3000m", 3), ("5000000u", 5),
            ("7000000n", 0),
        ])
    func units(text: String, seconds: Int64) throws {
        let timeout = try #require(try head(("grpc-timeout", text)).get().timeout)
        #expect(timeout.nanoseconds / 1_000_000_000 == seconds)
    }

    @Test(
        "with a timeout that is none is refused", arguments: ["", "S", "1", "1s", "-1S", "123456789S", "1 S", "٣S"])
    func malformed(text: String) {
        #expect(
            head(("grpc-timeout", text))
                == .failure(
                    .status(CallStatus(.internalError, "grpc-timeout \"\(text)\" is malformed"))))
    }

    @Test("of another kind is answered in the words of who asks")
    func others() {
        #expect(head((":method", "GET")) == .failure(.http(status: "405")))
        for type in ["", "text/html", "application/grpc-web", "application/grpcx"] {
            #expect(head(("content-type", type)) == .failure(.http(status: "415")))
        }
        #expect(head((":path", "/s/N")) == .failure(.status(CallStatus(.unimplemented, "no method /s/N"))))
        #expect(
            head(("grpc-encoding", "gzip"))
                == .failure(.status(CallStatus(.unimplemented, "compression gzip is not understood"))))
    }

    private func body(_ parts: [[UInt8]]) throws(CallStatus) -> [UInt8] {
        var body = CallBody()
        for part in parts { try body.add(ByteBuffer(bytes: part)) }
        return try body.message()
    }

    @Test("has one message, in however many pieces")
    func whole() throws {
        let bytes: [UInt8] = [0, 0, 0, 0, 3, 7, 8, 9]
        #expect(try body([bytes]) == [7, 8, 9])
        #expect(try body(bytes.map { [$0] }) == [7, 8, 9])
        #expect(try body([[0, 0, 0, 0, 0]]).isEmpty)
    }

    @Test("cut anywhere, or followed by more, is refused")
    func cut() {
        let bytes: [UInt8] = [0, 0, 0, 0, 3, 7, 8, 9]
        for count in 0..<bytes.count {
            let refusal = #expect(throws: CallStatus.self) { try body([Array(bytes[..<count])]) }
            #expect(refusal?.code == .internalError, "\(count) bytes")
        }
        #expect(throws: CallStatus.self) { try body([bytes + [0]]) }
        #expect(throws: CallStatus.self) { try body([bytes, bytes]) }
    }

    @Test("that is compressed or too long is refused before it is whole")
    func early() {
        func refusal(_ bytes: [UInt8]) -> CallStatus.Code? {
            var body = CallBody()
            do throws(CallStatus) { try body.add(ByteBuffer(bytes: bytes)) } catch { return error.code }
            return nil
        }
        #expect(refusal([1]) == .unimplemented)
        #expect(refusal([0, 0, 2, 0, 1]) == .resourceExhausted)
        #expect(refusal([0, 0xff, 0xff, 0xff, 0xff]) == .resourceExhausted)
        #expect(refusal([0, 0, 2, 0, 0]) == nil)
        #expect(refusal([0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: CallBody.limit + 1)) == .internalError)
    }

    @Test("is refused in words that fit a header")
    func words() {
        #expect(CallStatus(.internalError, "a b").headerMessage == "a b")
        #expect(CallStatus(.internalError, "50% – \n").headerMessage == "50%25 %E2%80%93 %0A")
    }
}
