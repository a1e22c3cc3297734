package import GRPCCore

/// `/istio.v1.auth.IstioCertificateService/CreateCertificate`, the one method of an Istio certificate authority.
package enum CreateCertificateMethod {
    package static let descriptor = MethodDescriptor(
        fullyQualifiedService: "istio.v1.auth.IstioCertificateService", method: "CreateCertificate")
}
