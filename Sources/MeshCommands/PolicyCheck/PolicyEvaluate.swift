import ArgumentParser
import MeshCore
import MeshKubernetes
import MeshPolicyCheck

struct PolicyEvaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Judge one connection or request, hop by hop.",
        discussion: """
            A token is judged as the waypoint judges it: form, issuer, times, audience, signature. Keys come from the
            policy (jwks), from --jwks, or with --fetch-keys from where the policy says.
            Exit status: 0 allowed, 1 denied.
            Example: meshctl policy-check eval -f policies/ --from shop/web --to shop/cart:80 --method GET --path /cart
            """)

    @OptionGroup var input: PolicyArguments
    @OptionGroup var flow: FlowArguments
    @OptionGroup var token: TokenArguments
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let doing = "judge a flow"
        let judge = try PolicyJudge.read(
            input.file, settings: input.mesh.settings, namespace: input.mesh.namespace, doing: doing)
        judge.tokens = try await token.settings(judge.cluster.requestAuthentications, doing: doing)
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

    @Option(help: "Claims as a JSON object, taken to come from a valid token.")
    var jwtClaims: String?

    @Option(help: "File with a token, or - for standard input. It is sent where the policies look for one.")
    var jwt: String?

    @Option(
        help: "Answer of a CUSTOM provider: name=allow, name=deny, name=timeout, or name=302 or another status. Repeat."
    )
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
            guard parts.count == 2, let answer = ProviderInput.answer(String(parts[1])) else {
                throw MeshFailure(
                    .usage, doing: doing,
                    reason: "--provider: \"\(entry)\" is not name=allow, name=deny, name=timeout or name=STATUS")
            }
            judge.providers[String(parts[0])] = answer
        }
        return judge.report(client, try parser.target(to), try request(doing))
    }

    /// `nil` when nothing is said of a request.
    private func request(_ doing: String) throws(MeshFailure) -> FlowRequest? {
        guard method != nil || path != nil || host != nil || !header.isEmpty || jwt != nil || jwtClaims != nil else {
            return nil
        }
        if jwt != nil, jwtClaims != nil {
            throw MeshFailure(.usage, doing: doing, reason: "--jwt and --jwt-claims exclude one another")
        }
        var request = FlowRequest()
        request.method = method ?? "GET"
        request.path = path ?? "/"
        request.host = host
        if let jwtClaims { request.claims = try ClaimInput.claims(json: jwtClaims, doing: doing) }
        if let jwt {
            let bytes = try ManifestFiles.bytes(jwt, limit: 1 << 20, doing: doing)
            request.token = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        }
        for field in header {
            guard let colon = field.firstIndex(of: ":"), colon != field.startIndex else {
                throw MeshFailure(.usage, doing: doing, reason: "--header: \"\(field)\" is not name:value")
            }
            let value = field[field.index(after: colon)...].drop { $0 == " " }
            request.headers.append((String(field[..<colon]), String(value)))
        }
        return request
    }
}
