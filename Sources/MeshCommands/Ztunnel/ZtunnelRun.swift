import ArgumentParser
import MeshControl
import MeshCore

struct ZtunnelRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve one workload: capture its TCP, carry it in HBONE, enforce policy.",
        discussion: """
            Runs in the network namespace of its workload (dedicated mode). Reads the environment variables of Istio's \
            ztunnel; a flag wins over its variable. The workload's TCP must be redirected to it, see "meshctl redirect". \
            SIGTERM stops accepting and lets open connections finish until the drain deadline.

            Example: meshctl ztunnel run --config mesh.yaml --workload default/web/web \
            --ca-address https://10.0.0.1:15012 --ca-root root-cert.pem --token token
            """)

    @OptionGroup var settings: ZtunnelArguments

    func run() async throws { try await ZtunnelService(ZtunnelSettings(settings.load())).run() }
}
