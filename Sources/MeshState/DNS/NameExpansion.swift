/// A full hostname that a client may have meant.
package struct NameCandidate: Sendable, Hashable {
    package let host: String
    /// The name without the search domain that a resolver had put behind it; `nil` where none was taken off.
    package let stripped: String?

    package init(host: String, stripped: String?) {
        self.host = host
        self.stripped = stripped
    }
}

/// What a client may mean by a name: Kubernetes' short forms, and forms with a search domain behind them.
package struct NameExpansion: Sendable, Hashable {
    package enum SearchDomains: Sendable, Hashable {
        /// Those that Kubernetes gives each pod: `<namespace>.svc.<domain>`, `svc.<domain>`, `<domain>`.
        case kubernetes
        /// Those of a resolver's configuration.
        case fixed([String])
    }

    /// Lower case, such as `cluster.local`.
    package let clusterDomain: String
    package let searchDomains: SearchDomains
    /// `.svc.<domain>`, how the hostname of each Kubernetes service ends.
    package let serviceSuffix: String

    package init(clusterDomain: String = "cluster.local", searchDomains: SearchDomains) {
        self.clusterDomain = clusterDomain.lowercased()
        self.searchDomains =
            switch searchDomains {
            case .kubernetes: .kubernetes
            case .fixed(let domains): .fixed(domains.map { $0.lowercased() })
            }
        serviceSuffix = ".svc.\(self.clusterDomain)"
    }

    /// Candidates in the order in which they are tried, without duplicates. Their number depends on the search
    /// domains alone.
    package func candidates(for name: String, clientNamespace: String) -> [NameCandidate] {
        var found: [NameCandidate] = []
        func add(_ host: String, _ stripped: String?) {
            if !found.contains(where: { $0.host == host }) {
                found.append(NameCandidate(host: host, stripped: stripped))
            }
        }
        add(name, nil)
        for host in serviceNames(name, clientNamespace) { add(host, nil) }
        let domains =
            switch searchDomains {
            case .kubernetes: ["\(clientNamespace)\(serviceSuffix)", String(serviceSuffix.dropFirst()), clusterDomain]
            case .fixed(let domains): domains
            }
        for domain in domains where name.hasSuffix(".\(domain)") && name.utf8.count > domain.utf8.count + 1 {
            let stripped = String(name.dropLast(domain.count + 1))
            add(stripped, stripped)
            for host in serviceNames(stripped, clientNamespace) { add(host, stripped) }
        }
        return found
    }

    /// The Kubernetes services that a name of few labels may be short for.
    private func serviceNames(_ name: String, _ namespace: String) -> [String] {
        let endsInService = name.hasSuffix(".svc")
        switch name.utf8.count(where: { $0 == UInt8(ascii: ".") }) + 1 {
        case 1: return ["\(name).\(namespace)\(serviceSuffix)"]
        case 2: return ["\(name)\(serviceSuffix)", "\(name).\(namespace)\(serviceSuffix)"]
        case 3: return (endsInService ? ["\(name).\(clusterDomain)"] : []) + ["\(name)\(serviceSuffix)"]
        case 4: return endsInService ? ["\(name).\(clusterDomain)"] : []
        default: return []
        }
    }
}
