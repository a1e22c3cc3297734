import ArgumentParser
import MeshLinux

/// `--netns` or `--pid`.
struct NamespaceArguments: ParsableArguments {
    @Option(help: "Network namespace: a name of `ip netns`, or a path such as /proc/4711/ns/net.")
    var netns: String?
    @Option(help: "Process in whose network namespace to work.")
    var pid: Int32?

    func validate() throws {
        guard netns == nil || pid == nil else { throw ValidationError("give --netns or --pid, not both") }
        if let pid, pid < 1 { throw ValidationError("--pid \(pid) is no process number") }
    }

    /// Our own namespace when neither is given: right where meshctl was started inside the pod's.
    var target: NetworkNamespace.Target {
        if let netns { return .init(parsing: netns) }
        return pid.map { .pid($0) } ?? .own
    }

    func open() throws(RedirectError) -> NetworkNamespace {
        do throws(NamespaceError) { return try NetworkNamespace(target) } catch { throw .namespace(error) }
    }
}

/// What the rules depend on.
struct RedirectPlanArguments: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Redirect IPv6 as well.")
    var ipv6 = true
    @Flag(inversion: .prefixedNo, help: "Redirect DNS to port 15053.")
    var dns = false
    @Flag(help: "Leave inbound traffic alone, as for an ingress gateway.")
    var ingress = false
    @Option(
        help: ArgumentHelp(
            "Interface of a virtual machine: TCP from it counts as outbound. Repeat, or separate with commas.",
            valueName: "name"))
    var virtualInterface: [String] = []
    @Option(help: ArgumentHelp("IPv4 source of the host's probes, which are not redirected.", valueName: "address"))
    var probeSource: String?
    @Option(help: ArgumentHelp("IPv6 source of the host's probes.", valueName: "address"))
    var probeSourceV6: String?

    func plan(doing: String) throws -> RedirectPlan {
        do throws(RedirectError) {
            var options = RedirectOptions()
            (options.ipv6, options.dns, options.bypassInbound) = (ipv6, dns, ingress)
            for names in virtualInterface { options.virtualInterfaces += try InterfaceName.list(names) }
            if let probeSource { try options.setProbeSourceV4(probeSource) }
            if let probeSourceV6 { try options.setProbeSourceV6(probeSourceV6) }
            return RedirectPlan(options)
        } catch {
            throw error.failure(doing: doing)
        }
    }
}
