/// Something that looks at every open connection of a reactor, a share per turn so that traffic goes on meanwhile.
///
/// It follows the descriptor table instead of a register of its own: nothing has to be kept in step when connections
/// come and go. What is accepted behind its back was accepted under the state that it started with, or a newer one.
struct Walk {
    /// Slots that one turn looks at, and the occupied ones among them that it may handle.
    static let slotsPerTurn = 8192
    static let connectionsPerTurn = 256

    private(set) var next = 0
    private(set) var isDone = false

    /// Hands the occupants of this turn's share to `body`, which may change the table.
    mutating func step(_ reactor: Reactor, _ body: (Occupant, AnyObject) -> Void) {
        var (slots, connections) = (Self.slotsPerTurn, Self.connectionsPerTurn)
        while slots > 0, connections > 0 {
            guard next < reactor.table.end else {
                isDone = true
                return
            }
            let (occupant, object) = reactor.table.occupant(at: next)
            next += 1
            slots -= 1
            guard let object, occupant == .stream || occupant == .relay || occupant == .tunnel else { continue }
            connections -= 1
            body(occupant, object)
        }
    }
}

/// A question about all connections or tunnels, half answered.
struct Listing<Item: Sendable> {
    var walk = Walk()
    var found: [Item] = []
    let answer: @Sendable ([Item]) -> Void

    init(_ answer: @escaping @Sendable ([Item]) -> Void) { self.answer = answer }
}

/// The walks of one reactor that are under way.
struct Walks {
    /// The judgement of open connections by policies that changed.
    var judging: Walk?
    var connections: [Listing<ConnectionInfo>] = []
    var tunnels: [Listing<TunnelInfo>] = []

    var isEmpty: Bool { judging == nil && connections.isEmpty && tunnels.isEmpty }
}
