import MeshCA
import SwiftProtobuf
import Testing

/// The bytes were made by protoc's Python output (protobuf 7.36.2) from istio/api `security/v1alpha1/ca.proto`.
@Suite("Istio CA messages")
struct IstioMessageTests {
    static let full =
        "0a034353521880a30522310a2f0a14496d706572736f6e617465644964656e74697479"
        + "12171a157370696666653a2f2f74642f6e732f612f73612f62"

    static func bytes(_ hex: String) -> [UInt8] {
        var digits = hex[...]
        var bytes: [UInt8] = []
        while let byte = UInt8(digits.prefix(2), radix: 16) {
            bytes.append(byte)
            digits = digits.dropFirst(2)
        }
        return bytes
    }

    @Test("a full request has the reference bytes, both ways")
    func request() throws {
        let request = IstioCertificateRequest(
            csr: "CSR", validityDuration: 86400, impersonatedIdentity: "spiffe://td/ns/a/sa/b")
        let bytes = Self.bytes(Self.full)
        #expect(try request.serializedBytes() == bytes)
        let parsed = try IstioCertificateRequest(serializedBytes: bytes)
        #expect(parsed == request)
        #expect(parsed.impersonatedIdentity == "spiffe://td/ns/a/sa/b")
    }

    @Test(
        "an empty and a negative request have the reference bytes",
        arguments: [
            (IstioCertificateRequest(), ""),
            (
                IstioCertificateRequest(csr: "x", validityDuration: -1, impersonatedIdentity: nil),
                "0a017818ffffffffffffffffff01"
            ),
        ])
    func small(request: IstioCertificateRequest, hex: String) throws {
        #expect(try request.serializedBytes() == Self.bytes(hex))
        #expect(try IstioCertificateRequest(serializedBytes: Self.bytes(hex)) == request)
    }

    @Test("an impersonated identity that is no string reads as empty")
    func otherType() throws {
        let hex =
            "0a017822360a110a0a436572745369676e657212031a01730a210a14496d706572736f6e61746564"
            + "4964656e746974791209110000000000001c40"
        let request = try IstioCertificateRequest(serializedBytes: Self.bytes(hex))
        #expect(request.metadata?.fields["CertSigner"]?.stringValue == "s")
        #expect(request.impersonatedIdentity.isEmpty)
    }

    @Test("a response keeps its elements, empty ones too")
    func response() throws {
        let response = IstioCertificateResponse(certChain: ["leaf", "", "roots"])
        let bytes = Self.bytes("0a046c6561660a000a05726f6f7473")
        #expect(try response.serializedBytes() == bytes)
        #expect(try IstioCertificateResponse(serializedBytes: bytes) == response)
    }

    @Test("fields of a later version survive a round trip")
    func unknown() throws {
        let bytes = Self.bytes("0a0178") + [0x12, 0x01, 0x79]
        #expect(try IstioCertificateRequest(serializedBytes: bytes).serializedBytes() == bytes)
    }

    @Test("no truncation crashes, and a cut field is refused")
    func truncations() {
        let bytes = Self.bytes(Self.full)
        // After the first and the second field the shorter text is a message of its own.
        let complete = [0, 5, 9, bytes.count]
        for count in 0...bytes.count {
            let parsed = try? IstioCertificateRequest(serializedBytes: bytes.prefix(count).map { $0 })
            #expect((parsed != nil) == complete.contains(count), "\(count) bytes")
        }
    }
}
