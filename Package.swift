// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is built with. Tests go without strict memory safety: test macros trip over it.
let careful: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let strict: [SwiftSetting] = careful + [.strictMemorySafety()]

let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
    .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
    .product(name: "SwiftProtobuf", package: "swift-protobuf"),
]
let x509: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "Crypto", package: "swift-crypto"),
    .product(name: "_CryptoExtras", package: "swift-crypto"),
]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")

/// Intel's library is made for x86-64 alone; elsewhere libcrypto does its work.
#if arch(x86_64)
    let ipsecMB: [Target] = [.systemLibrary(name: "CIPSecMB", providers: [.apt(["libipsec-mb-dev"])])]
#else
    let ipsecMB: [Target] = []
#endif

let package = Package(
    name: "meshctl",
    products: [.executable(name: "meshctl", targets: ["meshctl"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // C doors: each has exactly one importer.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(
            name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        .systemLibrary(name: "CNftables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .target(name: "CLinux"),
        // The BoringSSL inside swift-crypto.
        .target(name: "CBoringSSL", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),

        // Row 0 and 1: values and pure logic, then the doors to the kernel and to TLS.
        .target(name: "MeshCore", swiftSettings: strict),
        .target(name: "MeshWire", dependencies: ["MeshCore"], swiftSettings: strict),
        // The only importer of CYaml, the libyaml inside the Yams package.
        .target(
            name: "MeshYAML", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: strict),
        .target(name: "MeshPolicy", dependencies: ["MeshCore"], swiftSettings: strict),
        .target(
            name: "MeshState",
            dependencies: ["MeshCore", .product(name: "HashTreeCollections", package: "swift-collections")],
            swiftSettings: strict),
        .target(
            name: "MeshTLS",
            dependencies: ["CBoringSSL", "COpenSSL", "MeshCore"] + ipsecMB.map { .byName(name: $0.name) },
            swiftSettings: strict),
        .target(
            name: "MeshLinux", dependencies: ["CLinux", "CNetlink", "CNftables", "MeshCore"], swiftSettings: strict),

        // Certificates as people read them: bytes in, report out. swift-certificates refuses what it cannot use, which is
        // just what one wants to look at, so only its ASN.1 reader serves here.
        .target(
            name: "MeshCertificates",
            dependencies: [
                "MeshCore", "MeshTLS", "MeshYAML", .product(name: "SwiftASN1", package: "swift-asn1"),
            ],
            swiftSettings: strict),

        // Row 2: the data path, the authority, the DNS proxy.
        .target(
            name: "MeshProxy",
            dependencies: ["CNghttp2", "MeshCore", "MeshLinux", "MeshPolicy", "MeshState", "MeshTLS", "MeshWire"],
            swiftSettings: strict),
        .target(
            name: "MeshCA",
            dependencies: [
                "MeshCore", "MeshYAML", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + x509 + grpc,
            swiftSettings: strict),

        .target(
            name: "MeshDNS",
            dependencies: [
                "MeshCore", "MeshState", "MeshWire", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "MeshKubernetes", dependencies: ["MeshCore", "MeshPolicy", "MeshYAML"], swiftSettings: strict),
        .target(
            name: "MeshTokens",
            dependencies: [
                "MeshCore", "MeshPolicy",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "MeshKeyFetch",
            dependencies: [
                "MeshCore", "MeshLinux", "MeshTokens",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),

        // The API server of a cluster: calls, lists and watches.
        .target(
            name: "MeshKubernetesAPI",
            dependencies: [
                "MeshCore", "MeshYAML", log,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),

        // Row 3 and up: wiring, rendering, commands.
        .target(
            name: "MeshClusterAuthority",
            dependencies: [
                "MeshCA", "MeshCore", "MeshKeyFetch", "MeshKubernetesAPI", "MeshTokens", "MeshYAML", log,
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "MeshControl",
            dependencies: [
                "MeshCA", "MeshCore", "MeshDNS", "MeshKubernetes", "MeshLinux", "MeshPolicy", "MeshProxy", "MeshState",
                "MeshTLS", "MeshWire", "MeshYAML", log,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "MeshPolicyCheck",
            dependencies: ["MeshCore", "MeshKubernetes", "MeshPolicy", "MeshTokens", "MeshYAML"],
            swiftSettings: strict),
        .target(
            name: "MeshInspect",
            dependencies: ["MeshCertificates", "MeshCore", "MeshKubernetes", "MeshLinux", "MeshTLS"],
            swiftSettings: strict),
        .target(
            name: "MeshReport",
            dependencies: ["MeshCore", .product(name: "Yams", package: "Yams")], swiftSettings: strict),
        .target(
            name: "MeshCommands",
            dependencies: [
                "MeshCA", "MeshCertificates", "MeshClusterAuthority", "MeshControl", "MeshCore", "MeshInspect",
                "MeshKeyFetch", "MeshKubernetes", "MeshKubernetesAPI", "MeshLinux", "MeshPolicyCheck", "MeshReport",
                "MeshTLS", "MeshTokens", log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "meshctl", dependencies: ["MeshCommands"], swiftSettings: strict),

        // Not products.
        // Mutation runs over every parser of outside bytes; scripts/fuzz builds them optimised.
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "MeshCA", "MeshCertificates", "MeshControl", "MeshCore", "MeshKubernetes", "MeshKubernetesAPI",
                "MeshPolicy", "MeshPolicyCheck", "MeshState", "MeshTLS", "MeshTestSupport", "MeshTokens", "MeshWire",
                "MeshYAML", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
            ],
            path: "Fuzz", swiftSettings: careful),
        // What scripts/bench-state and scripts/bench-policy run.
        .executableTarget(
            name: "bench-state", dependencies: ["MeshControl", "MeshCore", "MeshLinux", "MeshState", "MeshYAML"],
            path: "Benchmarks/state/Bench", swiftSettings: careful),
        .executableTarget(
            name: "bench-policy", dependencies: ["MeshCore", "MeshPolicy"], path: "Benchmarks/policy/Bench",
            swiftSettings: careful),
        .executableTarget(
            name: "bench-policy-check", dependencies: ["MeshCore", "MeshKubernetes", "MeshPolicyCheck"],
            path: "Benchmarks/policy/Check", swiftSettings: careful),
        .target(
            name: "MeshTestSupport", dependencies: ["MeshCore", "MeshLinux", log], path: "Tests/MeshTestSupport",
            swiftSettings: careful),
        .testTarget(name: "MeshCoreTests", dependencies: ["MeshCore"], swiftSettings: careful),
        .testTarget(name: "MeshWireTests", dependencies: ["MeshCore", "MeshWire"], swiftSettings: careful),
        .testTarget(name: "MeshYAMLTests", dependencies: ["MeshYAML"], swiftSettings: careful),
        .testTarget(
            name: "MeshTokensTests",
            dependencies: [
                "MeshCore", "MeshPolicy", "MeshTestSupport", "MeshTokens",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ],
            swiftSettings: careful),
        .testTarget(
            name: "MeshKeyFetchTests",
            dependencies: [
                "MeshCore", "MeshKeyFetch", "MeshKubernetes", "MeshLinux", "MeshPolicyCheck", "MeshTestSupport",
                "MeshTokens",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ] + x509,
            swiftSettings: careful),
        .testTarget(
            name: "MeshPolicyTests", dependencies: ["MeshCore", "MeshPolicy", "MeshTestSupport"], swiftSettings: careful
        ),
        .testTarget(
            name: "MeshStateTests", dependencies: ["MeshCore", "MeshState", "MeshTestSupport"], swiftSettings: careful),
        .testTarget(
            name: "MeshPolicyCheckTests",
            dependencies: [
                "MeshCore", "MeshKubernetes", "MeshPolicy", "MeshPolicyCheck", "MeshTestSupport", "MeshTokens",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: careful),
        .testTarget(
            name: "MeshKubernetesTests", dependencies: ["MeshCore", "MeshKubernetes", "MeshPolicy"],
            swiftSettings: careful),
        .testTarget(
            name: "MeshKubernetesAPITests",
            dependencies: [
                "FakeAPIServer", "MeshCore", "MeshKubernetesAPI", "MeshTestSupport", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ] + x509,
            swiftSettings: careful),
        // An HTTP server whose answers a test writes, for tests of what speaks to an API server.
        .target(
            name: "FakeAPIServer",
            dependencies: [
                "MeshKubernetesAPI",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/FakeAPIServer", swiftSettings: careful),
        .testTarget(
            name: "MeshClusterAuthorityTests",
            dependencies: [
                "FakeAPIServer", "MeshCA", "MeshClusterAuthority", "MeshCore", "MeshKubernetesAPI", "MeshTestSupport",
                "MeshTokens", "MeshYAML", log,
            ] + x509,
            swiftSettings: careful),
        .testTarget(name: "MeshTLSTests", dependencies: ["MeshCore", "MeshTLS"], swiftSettings: careful),
        .testTarget(
            name: "MeshCertificatesTests", dependencies: ["MeshCertificates", "MeshCore", "MeshTLS"] + x509,
            swiftSettings: careful),
        .testTarget(
            name: "MeshInspectTests",
            dependencies: [
                "MeshCertificates", "MeshCore", "MeshInspect", "MeshLinux", "MeshTLS", "MeshTestSupport",
            ],
            swiftSettings: careful),
        .testTarget(name: "MeshLinuxTests", dependencies: ["MeshCore", "MeshLinux"], swiftSettings: careful),
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .testTarget(
            name: "MeshProxyTests",
            dependencies: [
                "CAllocations", "CNghttp2", "MeshCore", "MeshLinux", "MeshPolicy", "MeshProxy", "MeshState", "MeshTLS",
                "MeshWire",
            ],
            swiftSettings: careful),
        .testTarget(
            name: "MeshCATests",
            dependencies: [
                "MeshCA", "MeshCore", "MeshTestSupport", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ] + x509 + grpc,
            swiftSettings: careful),
        .testTarget(
            name: "MeshDNSTests",
            dependencies: [
                "MeshCore", "MeshDNS", "MeshState", "MeshWire", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: careful),
        .testTarget(
            name: "MeshControlTests",
            dependencies: [
                "MeshCA", "MeshControl", "MeshCore", "MeshLinux", "MeshPolicy", "MeshState", "MeshTestSupport",
                "MeshTLS", log,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: careful),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "FakeAPIServer", "MeshCA", "MeshCertificates", "MeshClusterAuthority", "MeshCommands", "MeshControl",
                "MeshCore", "MeshInspect", "MeshKubernetes", "MeshKubernetesAPI", "MeshLinux", "MeshPolicyCheck",
                "MeshReport", "MeshState", "MeshTestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Golden"], swiftSettings: careful),
        .testTarget(
            name: "NamespaceTests", dependencies: ["MeshCore", "MeshLinux", "MeshTestSupport"], swiftSettings: careful),
    ]
)
package.targets += ipsecMB
