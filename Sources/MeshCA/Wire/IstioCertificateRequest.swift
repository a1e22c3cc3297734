package import SwiftProtobuf

/// `istio.v1.auth.IstioCertificateRequest`: a signing request in PEM, and how long the certificate shall live.
///
/// Shape: 1 `csr` string, 3 `validity_duration` int64 in seconds (field 2 does not exist), 4 `metadata`
/// google.protobuf.Struct. Source: istio/api `security/v1alpha1/ca.proto`. Written by hand: two small messages do not
/// pay for a code generator in the build; the tests compare with bytes made by the reference implementation.
package struct IstioCertificateRequest: Hashable {
    package var csr = ""
    /// Seconds; zero or less asks for the server's default.
    package var validityDuration: Int64 = 0
    package var metadata: Google_Protobuf_Struct?
    package var unknownFields = UnknownStorage()

    package init() {}

    package init(csr: String, validityDuration: Int64, impersonatedIdentity: String?) {
        self.csr = csr
        self.validityDuration = validityDuration
        if let impersonatedIdentity {
            let value = Google_Protobuf_Value(stringValue: impersonatedIdentity)
            metadata = Google_Protobuf_Struct(fields: [Self.impersonatedIdentityKey: value])
        }
    }

    /// The identity that the caller asks for instead of its own; empty when absent or not a string.
    package var impersonatedIdentity: String { metadata?.fields[Self.impersonatedIdentityKey]?.stringValue ?? "" }

    private static let impersonatedIdentityKey = "ImpersonatedIdentity"
}

extension IstioCertificateRequest: Message {
    package static let protoMessageName = "istio.v1.auth.IstioCertificateRequest"

    package mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let field = try decoder.nextFieldNumber() {
            switch field {
            case 1: try decoder.decodeSingularStringField(value: &csr)
            case 3: try decoder.decodeSingularInt64Field(value: &validityDuration)
            case 4: try decoder.decodeSingularMessageField(value: &metadata)
            default: break
            }
        }
    }

    package func traverse<V: Visitor>(visitor: inout V) throws {
        if !csr.isEmpty { try visitor.visitSingularStringField(value: csr, fieldNumber: 1) }
        if validityDuration != 0 { try visitor.visitSingularInt64Field(value: validityDuration, fieldNumber: 3) }
        if let metadata { try visitor.visitSingularMessageField(value: metadata, fieldNumber: 4) }
        try unknownFields.traverse(visitor: &visitor)
    }

    package func isEqualTo(message: any Message) -> Bool { self == message as? Self }
}
