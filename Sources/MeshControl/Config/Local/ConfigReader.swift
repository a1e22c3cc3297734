import MeshCore
import MeshYAML

/// Reads values of a YAML document and collects what is wrong with them.
///
/// Every reader returns a value of its type even after a problem: the document is read to its end, and the result is
/// thrown away when there was any.
struct ConfigReader {
    static let problemLimit = 20

    private(set) var problems: [String] = []
    private(set) var problemCount = 0
    private var shared = SharedValues()

    mutating func problem(_ node: YAMLNode, _ text: @autoclosure () -> String) {
        problemCount += 1
        guard problems.count < Self.problemLimit else { return }
        let path = node.path
        problems.append("\(node.file):\(node.line): \(path.isEmpty ? "top level" : path): \(text())")
    }

    /// A problem of the text itself: nothing behind it was read.
    mutating func problem(_ error: YAMLError) {
        problemCount += 1
        problems.append(Self.describe(error))
    }

    static func describe(_ error: YAMLError) -> String {
        let place = error.line == 0 ? "" : ":\(error.line)"
        return "\(error.file)\(place): \(error.reason)" + (error.column == 0 ? "" : " (column \(error.column))")
    }

    /// Like `problem`, unless the value has had one since `before`: what is missing may be what was wrong.
    mutating func missing(_ node: YAMLNode, _ text: String, since before: Int) {
        if problemCount == before { problem(node, text) }
    }

    mutating func unknownKey(_ key: YAMLNode, expected: String) {
        problem(key, "unknown key; expected one of \(expected)")
    }

    // MARK: Containers

    /// The pairs of a mapping; none after a problem or for null.
    mutating func pairs(_ node: YAMLNode) -> YAMLPairs {
        if node.kind != .mapping, !node.isNull { problem(node, "is \(node.kind); expected a mapping") }
        return node.pairs
    }

    /// The elements of a list; none after a problem or for null.
    mutating func elements(_ node: YAMLNode) -> YAMLElements {
        if node.kind != .sequence, !node.isNull { problem(node, "is \(node.kind); expected a list") }
        return node.elements
    }

    mutating func list<Value>(_ node: YAMLNode, _ read: (inout ConfigReader, YAMLNode) -> Value?) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(node.count)
        for element in elements(node) {
            if let value = read(&self, element) { values.append(value) }
        }
        return values
    }

    // MARK: Scalars

    mutating func text(_ node: YAMLNode) -> String {
        guard node.kind == .scalar else {
            problem(node, "is \(node.kind); expected a text")
            return ""
        }
        return node.isNull ? "" : node.text
    }

    /// A text that other records are likely to hold as well.
    mutating func sharedText(_ node: YAMLNode) -> String {
        if node.kind != .scalar || node.isNull { return text(node) }
        return node.withBytes { shared.text($0) { node.text } }
    }

    mutating func bool(_ node: YAMLNode) -> Bool {
        switch node {
        case "true": return true
        case "false": return false
        default:
            let text = text(node)
            if node.kind == .scalar { problem(node, "is \"\(text.prefix(80))\"; expected true or false") }
            return false
        }
    }

    mutating func number<Value: FixedWidthInteger>(
        _ node: YAMLNode, _ what: String, _ type: Value.Type = Value.self
    ) -> Value {
        let digits: Value? = node.withBytes { bytes in
            var value: Value = 0
            for index in bytes.indices {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                let (scaled, high) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = scaled.addingReportingOverflow(Value(digit))
                if high || carry { return nil }
                value = sum
            }
            return bytes.isEmpty ? nil : value
        }
        if let digits { return digits }
        let text = text(node)
        if node.kind == .scalar { problem(node, "is \"\(text.prefix(80))\"; expected \(what)") }
        return 0
    }

    mutating func port(_ node: YAMLNode) -> UInt16 { number(node, "a port from 0 to 65535") }

    /// A value of an enum by its spelling.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ node: YAMLNode, _ fallback: Value
    ) -> Value where Value.RawValue == String {
        let text = text(node)
        if let value = Value(rawValue: text) { return value }
        if node.kind == .scalar {
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            problem(node, "is \"\(text.prefix(80))\"; expected \(names)")
        }
        return fallback
    }

    /// A value made from a text, or a problem that says what was expected.
    mutating func parsed<Value>(_ node: YAMLNode, _ expected: String, _ make: (String) -> Value?) -> Value? {
        let text = text(node)
        guard node.kind == .scalar else { return nil }
        if let value = make(text) { return value }
        problem(node, "is \"\(text.prefix(80))\"; expected \(expected)")
        return nil
    }

    // MARK: Values of the mesh

    mutating func ip(_ node: YAMLNode) -> IPAddress? {
        parsed(node, "an IPv4 or IPv6 address") { IPAddress($0) }
    }

    mutating func networkAddress(_ node: YAMLNode) -> NetworkAddress? {
        let address = parsed(node, "<network>/<ip>, or /<ip> for the default network") { NetworkAddress($0) }
        return address.map { NetworkAddress(network: shared.text($0.network), ip: $0.ip) }
    }

    mutating func cidr(_ node: YAMLNode) -> CIDR? {
        parsed(node, "an address block such as 10.0.0.0/8") { CIDR($0) }
    }

    /// `{service port: target port}`.
    mutating func ports(_ node: YAMLNode) -> SharedValues.Ports {
        let pairs = pairs(node)
        var ports: SharedValues.Ports = [:]
        for (key, value) in pairs {
            let servicePort: UInt16 = number(key, "a port from 0 to 65535 as key")
            let targetPort = port(value)
            if pairs.underestimatedCount == 1 { return shared.ports(servicePort, targetPort) }
            ports[servicePort] = targetPort
        }
        return shared.ports(ports)
    }

    /// `{service key: {service port: target port}}`.
    mutating func servicePorts(_ node: YAMLNode) -> SharedValues.ServicePorts {
        let pairs = pairs(node)
        var services: SharedValues.ServicePorts = [:]
        for (key, value) in pairs {
            guard let service = key.withBytes({ shared.service($0) { key.text } }),
                let name = shared.name(of: service)
            else {
                problem(key, "is not a service key; expected <namespace>/<hostname>")
                continue
            }
            let ports = ports(value)
            if pairs.underestimatedCount == 1 { return shared.table(of: service, ports) }
            services[name] = ports
        }
        return shared.table(services)
    }

    mutating func gateway(_ node: YAMLNode) -> GatewayAddress? {
        if node.isNull { return nil }
        let before = problemCount
        var destination: GatewayAddress.Destination?
        var port: UInt16?
        for (key, value) in pairs(node) {
            switch key {
            case "destination":
                destination = parsed(value, "<network>/<ip> or <namespace>/<hostname>") { text in
                    NetworkAddress(text).map { .address($0) } ?? NamespacedHostname(text).map { .hostname($0) }
                }
            case "hboneMtlsPort": port = self.port(value)
            default: unknownKey(key, expected: "destination, hboneMtlsPort")
            }
        }
        guard let destination, let port else {
            missing(node, "needs destination and hboneMtlsPort", since: before)
            return nil
        }
        return GatewayAddress(destination: destination, hboneMTLSPort: port)
    }
}
