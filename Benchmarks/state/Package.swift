// swift-tools-version: 6.2
import PackageDescription

/// Loading a large local configuration, and updating the store that it makes. Sources are links into the main package,
/// so that its package access holds here. Run by `scripts/bench-state`.
let package = Package(
    name: "StateBenchmark",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0"),
        .systemLibrary(name: "CNftables", pkgConfig: "libnftables"),
        .target(name: "CLinux"),
        .target(name: "MeshCore", swiftSettings: settings),
        .target(
            name: "MeshLinux", dependencies: ["CLinux", "CNetlink", "CNftables", "MeshCore"], swiftSettings: settings),
        .target(
            name: "MeshYAML", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: settings),
        .target(
            name: "MeshState",
            dependencies: ["MeshCore", .product(name: "HashTreeCollections", package: "swift-collections")],
            swiftSettings: settings),
        .target(
            name: "LocalConfiguration", dependencies: ["MeshCore", "MeshLinux", "MeshState", "MeshYAML"],
            swiftSettings: settings),
        .executableTarget(
            name: "state-bench",
            dependencies: ["LocalConfiguration", "MeshCore", "MeshLinux", "MeshState", "MeshYAML"], path: "Bench",
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
