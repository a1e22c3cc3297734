import ArgumentParser
import MeshCore
import MeshKubernetes
import MeshPolicyCheck

struct PolicyEvaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Judge one connection or request, hop by hop.",
        discussion: """
            Exit status: 0 allowed, 1 denied.
            Example: meshctl policy-check eval -f policies/ --from shop/web --to shop/cart:80 --method GET --path /cart
            """)

    @OptionGroup var input: PolicyArguments
    @OptionGroup var flow: FlowArguments
    @OptionGroup var output: OutputOptions

    func run() throws {
        let doing = "judge a flow"
        let judge = try PolicyJudge.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: doing)
        let report = try flow.report(judge, doing: doing)
        try output.emit(report)
        if !report.allowed { throw ExitCode(1) }
    }
}

/// One flow, and the request in it.
struct FlowArguments: ParsableArguments {
    @Option(
        help: "Who asks: namespace/workload, sa:namespace/account, spiffe://…, an address, or none for plaintext.")
    var from: String

    @Option(help: "Address of the client, where the manifests do not tell it.")
    var fromIP: String?

    @Option(help: "What is asked for: namespace/service:port, namespace/workload:port, host:port or address:port.")
    var to: String

    @Option(help: "Method of the request.")
    var method: String?

    @Option(help: "Path of the request, with its query.")
    var path: String?

    @Option(help: "Host of the request. Default: the name of the service.")
    var host: String?

    @Option(help: "Header of the request, as name:value. Repeat.")
    var header: [String] = []

    @Option(help: "Claims of a valid token, as a JSON object.")
    var jwtClaims: String?

    @Option(help: "File with a token, or - for standard input. Its signature and times are taken to be good.")
    var jwt: String?

    @Option(help: "Answer of a CUSTOM provider, as name=allow or name=deny. Repeat.")
    var provider: [String] = []

    func report(_ judge: PolicyJudge, doing: String) throws(MeshFailure) -> FlowReport {
        let parser = FlowParser(judge.index, doing: doing)
        var client = try parser.client(from)
        if let fromIP {
            guard let ip = IPAddress(fromIP) else {
                throw MeshFailure(.usage, doing: doing, reason: "--from-ip: \"\(fromIP)\" is no address")
            }
            client.address = ip
        }
        for entry in provider {
            let parts = entry.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[1] == "allow" || parts[1] == "deny" else {
                throw MeshFailure(
                    .usage, doing: doing, reason: "--provider: \"\(entry)\" is not name=allow or name=deny")
            }
            judge.providers[String(parts[0])] = parts[1] == "allow"
        }
        return judge.report(client, try parser.target(to), try request(doing))
    }

    /// `nil` when nothing is said of a request.
    private func request(_ doing: String) throws(MeshFailure) -> FlowRequest? {
        let claims = try claims(doing)
        guard method != nil || path != nil || host != nil || !header.isEmpty || claims != nil else { return nil }
        var request = FlowRequest()
        request.method = method ?? "GET"
        request.path = path ?? "/"
        request.host = host
        request.claims = claims
        for field in header {
            guard let colon = field.firstIndex(of: ":"), colon != field.startIndex else {
                throw MeshFailure(.usage, doing: doing, reason: "--header: \"\(field)\" is not name:value")
            }
            let value = field[field.index(after: colon)...].drop { $0 == " " }
            request.headers.append((String(field[..<colon]), String(value)))
        }
        return request
    }

    private func claims(_ doing: String) throws(MeshFailure) -> [String: ClaimValue]? {
        if jwt != nil, jwtClaims != nil {
            throw MeshFailure(.usage, doing: doing, reason: "--jwt and --jwt-claims exclude one another")
        }
        if let jwtClaims { return try ClaimInput.claims(json: jwtClaims, doing: doing) }
        guard let jwt else { return nil }
        let bytes = try ManifestFiles.bytes(jwt, limit: 1 << 20, doing: doing)
        return try ClaimInput.claims(token: String(decoding: bytes, as: UTF8.self), doing: doing)
    }
}
