// swift-tools-version: 6.2
import PackageDescription

/// What policies cost: a verdict by number of policies and by shape, a log that is replayed, manifests that are read and
/// judged by. Sources are links into the main package, so that its package access holds here. Run by
/// `scripts/bench-policy`.
let package = Package(
    name: "PolicyBenchmark",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "MeshCore", swiftSettings: settings),
        .target(name: "MeshPolicy", dependencies: ["MeshCore"], swiftSettings: settings),
        .target(
            name: "MeshYAML", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: settings),
        .target(
            name: "MeshKubernetes", dependencies: ["MeshCore", "MeshPolicy", "MeshYAML"], swiftSettings: settings),
        .target(
            name: "MeshTokens",
            dependencies: [
                "MeshCore", "MeshPolicy", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        .target(
            name: "MeshPolicyCheck",
            dependencies: ["MeshCore", "MeshKubernetes", "MeshPolicy", "MeshTokens", "MeshYAML"],
            swiftSettings: settings),
        .executableTarget(
            name: "policy-bench", dependencies: ["MeshCore", "MeshPolicy"], path: "Bench", swiftSettings: settings),
        .executableTarget(
            name: "policy-check-bench", dependencies: ["MeshCore", "MeshKubernetes", "MeshPolicyCheck"], path: "Check",
            swiftSettings: settings),
    ]
)

var settings: [SwiftSetting] {
    [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
