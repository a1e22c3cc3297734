/// Whether pods take plaintext. Source: istio.io/api security/v1 PeerAuthentication.
public struct PeerAuthentication: Hashable, Sendable {
    public enum Mode: String, Sendable, CaseIterable {
        /// Inherited from the level above.
        case unset = "UNSET"
        case disable = "DISABLE", permissive = "PERMISSIVE", strict = "STRICT"
    }

    public var identity: ResourceIdentity
    public var selector: WorkloadSelector
    public var mode: Mode
    /// By port of the pod, 1 to 65535; allowed only next to a selector with labels.
    public var portModes: [UInt16: Mode]

    public init(
        _ identity: ResourceIdentity, selector: WorkloadSelector = .absent, mode: Mode = .unset,
        portModes: [UInt16: Mode] = [:]
    ) {
        self.identity = identity
        self.selector = selector
        self.mode = mode
        self.portModes = portModes
    }
}
