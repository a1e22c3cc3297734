package import MeshCore

/// What the rules of one pod depend on.
package struct RedirectOptions: Hashable, Sendable {
    /// Rules, routes and routing rules for IPv6 as well. Default on.
    package var ipv6 = true
    /// Capture of DNS to port 15053. Default off.
    package var dns = false
    /// Leave inbound traffic alone: for an ingress gateway. Default off.
    package var bypassInbound = false
    /// Interfaces of virtual machines or inner containers: TCP that arrives on them counts as outbound.
    package var virtualInterfaces: [InterfaceName] = []
    /// What the host's probes are translated to, so that they pass. Default: those of istio-cni.
    package private(set) var probeSourceV4 = IPAddress(v4: 0xa9fe_077f)
    package private(set) var probeSourceV6 = IPAddress(high: 0xfd16_9254_7127_1337, low: .max)

    package init() {}

    /// - Throws: `RedirectError.probeAddress` when it is no IPv4 address.
    package mutating func setProbeSourceV4(_ text: String) throws(RedirectError) {
        guard let address = IPAddress(text[...]), address.isV4 else { throw .probeAddress(text, .v4) }
        probeSourceV4 = address
    }

    /// - Throws: `RedirectError.probeAddress` when it is no IPv6 address.
    package mutating func setProbeSourceV6(_ text: String) throws(RedirectError) {
        guard let address = IPAddress(text[...]), !address.isV4 else { throw .probeAddress(text, .v6) }
        probeSourceV6 = address
    }

    /// The options of one pod: these are the node's, and its annotations win. An unreadable truth value is as none.
    ///
    /// - Throws: `RedirectError.interfaceName`.
    package func overridden(byAnnotations annotations: [String: String]) throws(RedirectError) -> RedirectOptions {
        var options = self
        if let capture = annotations["ambient.istio.io/dns-capture"].flatMap(Self.truth) { options.dns = capture }
        if let bypass = annotations["ambient.istio.io/bypass-inbound-capture"] {
            options.bypassInbound = Self.truth(bypass) ?? false
        }
        if let names = annotations["istio.io/reroute-virtual-interfaces"] {
            options.virtualInterfaces = try InterfaceName.list(names)
        }
        return options
    }

    /// The words that Go's `strconv.ParseBool` knows.
    static func truth(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }

    /// The flags of `meshctl redirect` that say the same.
    package var flags: [String] {
        (ipv6 ? [] : ["--no-ipv6"]) + (dns ? ["--dns"] : []) + (bypassInbound ? ["--ingress"] : [])
            + virtualInterfaces.map { "--virtual-interface \($0)" }
    }
}
