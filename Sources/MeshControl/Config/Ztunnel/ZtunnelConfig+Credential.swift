import MeshCore

extension ZtunnelConfig {
    static let standardRoot = "./var/run/secrets/istio/root-cert.pem"
    static let standardToken = "./var/run/secrets/tokens/istio-token"

    mutating func readCredential(_ reader: inout SettingReader, _ host: Host) {
        let names = ["MESHCTL_CERTIFICATE_FILE", "MESHCTL_KEY_FILE", "MESHCTL_TRUST_BUNDLE_FILE"]
        let files = names.map { reader.filled($0) }
        let address = reader.filled("CA_ADDRESS")
        if files.contains(where: { $0 != nil }) {
            for (name, file) in zip(names, files) where file == nil {
                reader.problem(name, "is not set; certificate, key and trust bundle go together")
            }
            if address != nil {
                reader.problem("CA_ADDRESS", "is set, and so are certificate files; give one or the other")
            }
            credential = .files(
                CredentialFiles(certificate: files[0] ?? "", key: files[1] ?? "", trustBundle: files[2] ?? ""))
            return
        }
        // Set and empty means no authority; unset means the usual one.
        if address == nil, reader.text("CA_ADDRESS") != nil {
            reader.problem(
                "CA_ADDRESS", "is empty and no certificate files are given; one of them must give an identity")
            return
        }
        let inCluster = reader.environment["KUBERNETES_SERVICE_HOST"] != nil
        let standard = inCluster ? "https://istiod.istio-system.svc:15012" : "https://localhost:15012"
        guard let (name, port) = Self.endpoint(address ?? standard) else {
            reader.problem("CA_ADDRESS", "is \"\(address ?? "")\"; expected <host>:<port>, with https:// or without")
            return
        }
        var authority = Authority(host: name, port: port, root: Self.root(&reader, host))
        authority.alternativeHost = reader.filled("ALT_CA_HOSTNAME")
        let prefix = "CA_HEADER_"
        for (key, value) in reader.environment where key.hasPrefix(prefix) && key.utf8.count > prefix.utf8.count {
            authority.headers[key.dropFirst(prefix.count).lowercased()] = value
        }
        authority.token = Self.token(&reader, host)
        authority.secretTTL = reader.duration("SECRET_TTL", authority.secretTTL)
        if authority.secretTTL <= .zero { reader.problem("SECRET_TTL", "is 0; expected a validity such as 24h") }
        credential = .authority(authority)
    }

    /// `https://host:port` or `host:port`; port 443 when it is left out.
    static func endpoint(_ text: String) -> (host: String, port: UInt16)? {
        var rest = text[...]
        if let scheme = rest.firstRange(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "https" else { return nil }
            rest = rest[scheme.upperBound...]
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) }) else { return nil }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]"), let ip = IPAddress(rest[rest.index(after: rest.startIndex)..<end])
            else { return nil }
            let tail = rest[rest.index(after: end)...]
            if tail.isEmpty { return ("\(ip)", 443) }
            guard tail.hasPrefix(":"), let port = SocketAddress.port(tail.dropFirst()), port != 0 else { return nil }
            return ("\(ip)", port)
        }
        guard let colon = rest.firstIndex(of: ":") else { return (String(rest), 443) }
        guard colon > rest.startIndex, let port = SocketAddress.port(rest[rest.index(after: colon)...]), port != 0
        else { return nil }
        return (String(rest[..<colon]), port)
    }

    private static func root(_ reader: inout SettingReader, _ host: Host) -> RootSource {
        let text = reader.filled("CA_ROOT_CA") ?? standardRoot
        if host.exists(text) { return .file(text) }
        if text == "SYSTEM" { return .system }
        if text.contains("-----BEGIN CERTIFICATE-----") { return .pem(text) }
        reader.problem("CA_ROOT_CA", "is \"\(text.prefix(80))\"; expected an existing file, SYSTEM, or PEM text")
        return .system
    }

    private static func token(_ reader: inout SettingReader, _ host: Host) -> TokenSource? {
        guard let text = reader.filled("AUTH_TOKEN") else {
            return host.exists(standardToken) ? .file(standardToken) : nil
        }
        if host.exists(text) { return .file(text) }
        if reader.flags["AUTH_TOKEN"] != nil {
            reader.problem("AUTH_TOKEN", "is \"\(text)\"; no such file")
            return nil
        }
        return .literal(text)
    }
}
