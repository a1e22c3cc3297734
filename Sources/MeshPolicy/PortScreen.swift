import MeshCore

/// What rules say of the destination port, in 16 bytes: a first look at them that reads nothing else.
///
/// A rule is spread over some cache lines that a verdict rarely finds warm. Where rules share a block of addresses, most
/// of them differ by port, and this tells so before the rule is read.
struct PortScreen: Sendable {
    /// One bit for every port, modulo 64, with which a rule may hold.
    private let possible: UInt64
    /// A port with which none holds, though its bit may be set; -1 without.
    private let forbidden: Int32

    /// Of rules that are tried together.
    init(_ filings: some Collection<Filing>) {
        possible = filings.reduce(0) { $0 | $1.possiblePorts }
        var common = filings.first?.forbiddenPorts ?? []
        for filing in filings.dropFirst() where !common.isEmpty { common.formIntersection(filing.forbiddenPorts) }
        forbidden = common.min().map { Int32($0) } ?? -1
    }

    /// False when no rule holds with that port.
    @inline(__always)
    func passes(_ port: UInt16) -> Bool { possible & Self.bit(port) != 0 && Int32(port) != forbidden }

    @inline(__always)
    private static func bit(_ port: UInt16) -> UInt64 { 1 << UInt64(port & 63) }

    /// A bit for each port, modulo 64, with which one of the matches may hold.
    static func ports(_ matches: [AuthorizationPolicy.Match]) -> UInt64 {
        if matches.contains(where: { $0.destinationPorts.isEmpty }) { return .max }
        return matches.flatMap(\.destinationPorts).reduce(0) { $0 | bit($1) }
    }
}
