import MeshCore

// What each rule is for: a pod's packets meet nat OUTPUT when an application connects, nat PREROUTING when a peer does.
extension RedirectPlan {
    private static let intoPrerouting = "istio-prerouting"
    private static let intoOutput = "istio-output"

    /// The two chains that packets enter, each with one jump into a chain of ours.
    private static func hooks(_ prerouting: String, _ output: String, priority: Int) -> [NftChain] {
        [
            NftChain(
                "prerouting", hook: .init(type: prerouting, point: "prerouting", priority: priority),
                rules: [NftRule([], counted: false, .jump(intoPrerouting))]),
            NftChain(
                "output", hook: .init(type: output, point: "output", priority: priority),
                rules: [NftRule([], counted: false, .jump(intoOutput))]),
        ]
    }

    private static func table(_ name: String, hooks: [NftChain], prerouting: [NftRule], output: [NftRule]) -> NftTable {
        NftTable(
            name, comments: [owner],
            chains: hooks + [NftChain(intoPrerouting, rules: prerouting), NftChain(intoOutput, rules: output)])
    }

    /// The loopback address that is left alone in each family.
    private var loopbacks: [IPAddress] { options.ipv6 ? [.loopbackV4, .loopbackV6] : [.loopbackV4] }
    private var probeSources: [IPAddress] {
        options.ipv6 ? [options.probeSourceV4, options.probeSourceV6] : [options.probeSourceV4]
    }

    var natTable: NftTable {
        let notFromProxy = NftRule.Match.packetMark(Self.proxyMark, negated: true)
        var prerouting: [NftRule] = []
        var output: [NftRule] = []

        // Traffic of a virtual machine is the pod's own; `return` keeps what follows from looking at it again.
        for name in options.virtualInterfaces.map(\.description) {
            let match = [NftRule.Match.inputInterface(name), .transport(.tcp)]
            prerouting += [NftRule(match, .redirect(Self.outboundPort)), NftRule(match, .leave)]
        }
        // The kubelet's probes, which the host gives this source, go to the application, and so do its answers.
        if !options.bypassInbound {
            prerouting += probeSources.map { NftRule([.transport(.tcp), .address(.source, $0)], .accept) }
        }
        output += probeSources.map { NftRule([.transport(.tcp), .address(.destination, $0)], .accept) }
        // Plaintext from outside. HBONE reaches the proxy's own listener untouched.
        if !options.bypassInbound {
            prerouting += loopbacks.map {
                NftRule(
                    [
                        .address(.destination, $0, negated: true),
                        .port(.tcp, .destination, Self.hbonePort, negated: true), notFromProxy,
                    ], .redirect(Self.inboundPort))
            }
        }
        if options.dns {
            output.append(
                NftRule(
                    [.outputInterface("lo", negated: true), notFromProxy, .port(.udp, .destination, 53)],
                    .redirect(Self.dnsPort)))
            output += loopbacks.map {
                NftRule(
                    [.address(.destination, $0, negated: true), .port(.tcp, .destination, 53), notFromProxy],
                    .redirect(Self.dnsPort))
            }
        }
        // Replies on their way back to the proxy, then what an application sends to its own pod.
        output.append(NftRule([.transport(.tcp), .packetMark(Self.returnMark)], .accept))
        output += loopbacks.map {
            NftRule([.outputInterface("lo"), .address(.destination, $0, negated: true)], .accept)
        }
        output += loopbacks.map {
            NftRule(
                [.transport(.tcp), .address(.destination, $0, negated: true), notFromProxy],
                .redirect(Self.outboundPort))
        }
        return Self.table(
            Self.tableNames[0], hooks: Self.hooks("nat", "nat", priority: -100), prerouting: prerouting, output: output)
    }

    var mangleTable: NftTable {
        // Type route: the mark that output restores must be seen by a second routing decision.
        Self.table(
            Self.tableNames[1], hooks: Self.hooks("filter", "route", priority: -150),
            prerouting: [NftRule([.packetMark(Self.proxyMark)], .brandConnection(Self.returnMark))],
            output: [NftRule([.connectionMark(Self.returnMark)], .restoreMark)])
    }

    var rawTable: NftTable {
        // The proxy's own queries in a conntrack zone of their own: their ports cannot collide with those of
        // the queries that were redirected to it.
        Self.table(
            Self.tableNames[2], hooks: Self.hooks("filter", "filter", priority: -300),
            prerouting: [
                NftRule([.port(.udp, .source, 53), .packetMark(Self.proxyMark, negated: true)], .connectionZone(1))
            ],
            output: [NftRule([.port(.udp, .destination, 53), .packetMark(Self.proxyMark)], .connectionZone(1))])
    }
}
