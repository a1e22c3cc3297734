// swift-tools-version: 6.2
import PackageDescription

/// What a policy verdict costs, by number of policies and by shape. Sources are links into the main package, so that
/// its package access holds here. Run: `swift run -c release --package-path Benchmarks/policy policy-bench`.
let package = Package(
    name: "PolicyBenchmark",
    targets: [
        .target(name: "MeshCore", swiftSettings: settings),
        .target(name: "MeshPolicy", dependencies: ["MeshCore"], swiftSettings: settings),
        .executableTarget(
            name: "policy-bench", dependencies: ["MeshCore", "MeshPolicy"], path: "Bench", swiftSettings: settings),
    ]
)

var settings: [SwiftSetting] {
    [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
