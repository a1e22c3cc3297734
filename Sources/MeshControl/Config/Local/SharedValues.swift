import MeshCore

/// What many records of a file have in common, held once.
struct SharedValues {
    /// Target port by service port.
    typealias Ports = [UInt16: UInt16]
    typealias ServicePorts = [NamespacedHostname: Ports]

    /// A service as workloads name it, with the last table that held it alone.
    private struct KnownService {
        let name: NamespacedHostname
        var ports: Ports = [:]
        var table: ServicePorts = [:]
    }

    private var texts = TextNumbers<Void>()
    private var portTables: Set<Ports> = []
    /// Tables of one pair, by both ports: nearly all of them.
    private var portPairs: [UInt32: Ports] = [:]
    private var serviceTables: Set<ServicePorts> = []
    /// By `namespace/hostname`; `nil` for a text that is no such key.
    private var services = TextNumbers<KnownService?>()

    /// - Parameter make: the text of the bytes.
    mutating func text(_ bytes: Span<UInt8>, _ make: () -> String) -> String {
        // Up to 15 bytes stand in the value itself.
        if bytes.count <= 15 { return make() }
        let (number, _) = texts.number(of: bytes) { (make(), ()) }
        return texts.text(number)
    }

    mutating func text(_ text: String) -> String { self.text(text.utf8Span.span) { text } }

    mutating func ports(_ ports: Ports) -> Ports { portTables.insert(ports).memberAfterInsert }

    /// A table of one pair.
    mutating func ports(_ servicePort: UInt16, _ targetPort: UInt16) -> Ports {
        let pair = UInt32(servicePort) << 16 | UInt32(targetPort)
        if let known = portPairs[pair] { return known }
        let ports = [servicePort: targetPort]
        portPairs[pair] = ports
        return ports
    }

    // MARK: Services

    /// A number for the service with that key; `nil` for a text that is no key.
    mutating func service(_ key: Span<UInt8>, _ make: () -> String) -> Int? {
        let (number, isNew) = services.number(of: key) { (make(), nil) }
        if isNew, let name = NamespacedHostname(services.text(number)) {
            services[number] = KnownService(
                name: NamespacedHostname(namespace: text(name.namespace), hostname: text(name.hostname)))
        }
        return services[number] == nil ? nil : number
    }

    /// `nil` unless the number is one that `service` has given.
    func name(of service: Int) -> NamespacedHostname? { services[service]?.name }

    /// The table of that service alone.
    mutating func table(of service: Int, _ ports: Ports) -> ServicePorts {
        guard var known = services[service] else { return [:] }
        if known.table.isEmpty || known.ports != ports {
            known.ports = ports
            known.table = [known.name: ports]
            services[service] = known
        }
        return known.table
    }

    mutating func table(_ table: ServicePorts) -> ServicePorts { serviceTables.insert(table).memberAfterInsert }
}
