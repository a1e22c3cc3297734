import ArgumentParser
import MeshCA
import MeshCertificates
import MeshCore
import MeshInspect
import MeshTLS

struct CertInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert-inspect",
        abstract: "Show certificates, and say what is wrong with them.",
        discussion: """
            Reads PEM and DER files, folders, standard input (-), Kubernetes Secrets and ConfigMaps in YAML or JSON, the
            config dump of a node proxy, and what servers present: HOST:PORT, tls://, hbone:// (port 15008) and grpc://
            (port 15012). Private keys are compared with their certificates and never shown.
            Exit status: 0 good, 1 a check says no, 64 and up as in sysexits.h.
            """,
        subcommands: [CertificateShow.self, CertificateLintCommand.self, CertificateDiffCommand.self],
        defaultSubcommand: CertificateShow.self)
}

/// What every verb reads and judges by.
struct CertificateArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Trust bundle to verify by, in PEM. Repeat.", valueName: "file"))
    var root: [String] = []

    @Option(help: ArgumentHelp("Revocation list to judge by, in PEM or DER. Repeat.", valueName: "file"))
    var crl: [String] = []

    @Option(help: "Trust domain of the mesh; identities of others are mistakes.")
    var trustDomain: String?

    @Option(help: "Judge as of this time, such as 2026-12-24T00:00:00Z.")
    var at: TimeArgument?

    @OptionGroup(title: "Servers") var server: ServerArguments

    /// Everything that was named, judged.
    func report(_ inputs: [String], expiresIn: Int64? = nil, doing: String) throws -> InspectionReport {
        let sources = try sources(doing)
        return Inspection(try options(sources, expiresIn: expiresIn)).report(try sources.read(inputs))
    }

    func options(_ sources: CertificateSources, expiresIn: Int64? = nil) throws -> Inspection.Options {
        var options = Inspection.Options(now: at?.seconds ?? SystemWallClock().seconds)
        options.bundle = try sources.bundle(root)
        options.revocations = try sources.revocationLists(crl)
        options.trustDomain = try trustDomain.map(AuthorityArguments.trustDomain)
        options.expiresIn = expiresIn
        return options
    }

    func sources(_ doing: String) throws -> CertificateSources {
        CertificateSources(try server.options(CertificateSources(doing: doing), doing), doing: doing)
    }
}

/// How servers are asked.
struct ServerArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Certificate chain to show a server that asks, in PEM.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("Private key of that certificate.", valueName: "file"))
    var key: String?

    @Option(help: "Name to ask for (SNI) and to expect, instead of the host's.")
    var serverName: String?

    @Option(help: "Time for one server, in all.")
    var timeout = LifetimeArgument(seconds: 5)

    func options(_ files: CertificateSources, _ doing: String) throws(MeshFailure) -> EndpointProbe.Options {
        var options = EndpointProbe.Options()
        options.timeout = .seconds(timeout.seconds)
        options.serverName = serverName
        switch (cert, key) {
        case (nil, nil): break
        case (let cert?, let key?):
            options.certificate = HandshakeProbe.ClientCertificate(
                chain: try files.bytes(cert), key: try files.bytes(key))
        default: throw MeshFailure(.usage, doing: doing, reason: "--cert and --key go together")
        }
        return options
    }
}

/// A moment in UTC, as certificates and reports write it.
struct TimeArgument: ExpressibleByArgument, Equatable {
    let seconds: Int64

    /// `nil` for anything but `2026-12-24T00:00:00Z`.
    init?(argument: String) {
        // Written back it must be the same: the 31st of November is none.
        guard let read = Timestamp.seconds(argument), Timestamp.text(seconds: read) == argument else { return nil }
        seconds = read
    }
}
