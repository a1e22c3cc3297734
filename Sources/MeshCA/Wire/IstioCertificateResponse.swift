package import SwiftProtobuf

/// `istio.v1.auth.IstioCertificateResponse`: the chain as a list of PEM texts.
///
/// Shape: 1 `cert_chain` repeated string: the leaf, then one intermediate each, then all roots in one last element.
/// Source: istio/api `security/v1alpha1/ca.proto`.
package struct IstioCertificateResponse: Hashable {
    package var certChain: [String] = []
    package var unknownFields = UnknownStorage()

    package init() {}
    package init(certChain: [String]) { self.certChain = certChain }
}

extension IstioCertificateResponse: Message {
    package static let protoMessageName = "istio.v1.auth.IstioCertificateResponse"

    package mutating func decodeMessage<D: Decoder>(decoder: inout D) throws {
        while let field = try decoder.nextFieldNumber() {
            if field == 1 { try decoder.decodeRepeatedStringField(value: &certChain) }
        }
    }

    package func traverse<V: Visitor>(visitor: inout V) throws {
        if !certChain.isEmpty { try visitor.visitRepeatedStringField(value: certChain, fieldNumber: 1) }
        try unknownFields.traverse(visitor: &visitor)
    }

    package func isEqualTo(message: any Message) -> Bool { self == message as? Self }
}
