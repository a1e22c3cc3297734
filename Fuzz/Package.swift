// swift-tools-version: 6.2
import PackageDescription

/// As in the main package.
#if arch(x86_64)
    let ipsecMB: [Target] = [.systemLibrary(name: "CIPSecMB")]
#else
    let ipsecMB: [Target] = []
#endif

/// Mutation runs over every parser of outside bytes. Sources are links into the main package, so that its package
/// access holds here. Run by `scripts/fuzz`.
let package = Package(
    name: "Fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0"),
        .systemLibrary(name: "CNftables", pkgConfig: "libnftables"),
        .target(name: "CLinux"),
        .target(name: "MeshCore", swiftSettings: settings),
        // For the door that opens files: nothing here is read from one.
        .target(
            name: "MeshLinux", dependencies: ["CLinux", "CNetlink", "CNftables", "MeshCore"], swiftSettings: settings),
        .target(name: "MeshWire", dependencies: ["MeshCore"], swiftSettings: settings),
        .target(name: "MeshPolicy", dependencies: ["MeshCore"], swiftSettings: settings),
        // Only what reads tokens; verifying them is left to swift-crypto, which stays out of here.
        .target(name: "MeshTokens", dependencies: ["MeshCore", "MeshPolicy"], swiftSettings: settings),
        // Only what cuts the stream of a watch.
        .target(name: "MeshKubernetesAPI", swiftSettings: settings),
        .target(
            name: "MeshYAML", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: settings),
        // Only what reads certificates; judging them needs libcrypto, which stays out of here.
        .target(
            name: "MeshCertificates",
            dependencies: ["MeshCore", .product(name: "SwiftASN1", package: "swift-asn1")], swiftSettings: settings),
        // Only the lines of the audit log; the authority itself needs gRPC and X.509, which stay out of here.
        .target(name: "MeshCA", swiftSettings: settings),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .target(
            name: "MeshTLS", dependencies: ["COpenSSL", "MeshCore"] + ipsecMB.map { .byName(name: $0.name) },
            swiftSettings: settings),
        .target(
            name: "MeshState",
            dependencies: ["MeshCore", .product(name: "HashTreeCollections", package: "swift-collections")],
            swiftSettings: settings),
        // Records of a file, and where policies come from; joining them with manifests stays out of here.
        .target(
            name: "LocalConfiguration",
            dependencies: ["MeshCore", "MeshKubernetes", "MeshLinux", "MeshState", "MeshYAML"],
            sources: ["Local", "Manifests/PolicyOrigin.swift"], swiftSettings: settings),
        .target(
            name: "MeshKubernetes", dependencies: ["MeshCore", "MeshPolicy", "MeshYAML"], swiftSettings: settings),
        // Only what reads the lines of access logs.
        .target(name: "MeshPolicyCheck", swiftSettings: settings),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "LocalConfiguration", "MeshCA", "MeshCertificates", "MeshCore", "MeshKubernetes", "MeshKubernetesAPI",
                "MeshPolicy", "MeshPolicyCheck", "MeshState", "MeshTLS", "MeshTokens", "MeshWire", "MeshYAML",
            ],
            path: "Fuzz", swiftSettings: settings),
    ]
)
package.targets += ipsecMB

var settings: [SwiftSetting] {
    [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
