/// Which program this is, as `/config_dump` and the metric `istio_build` say it.
package enum BuildInfo {
    package static let version = "0.1.0-dev"

    #if DEBUG
        static let profile = "debug"
    #else
        static let profile = "release"
    #endif
}

/// `version` of a config dump, with ztunnel's keys; `rustVersion` is where it says what a binary was built with.
package struct VersionDump: Codable, Sendable, Equatable {
    package var version = "meshctl \(BuildInfo.version)"
    package var gitRevision = "unknown"
    package var rustVersion = "none (Swift)"
    package var buildProfile = BuildInfo.profile
    package var buildStatus = "unknown"
    package var istioVersion = "unknown"
    package var cryptoProvider = "openssl"
}
