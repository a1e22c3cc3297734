import MeshCore
import MeshPolicy

extension Reactor {
    /// What policies say of a new inbound connection. The facts stay in `record`, for when policies change.
    func judge(_ record: ConnectionRecord, _ facts: PolicyFacts) -> PolicyVerdict {
        record.facts = facts
        let decision = state.policy.decide(facts)
        log.decision(decision, record, by: state.policy)
        return decision.verdict
    }

    /// Policies changed: every open inbound connection is judged again, from the first one.
    ///
    /// What is accepted while the walk goes on was judged by the new policies already.
    func beginJudging() { walks.judging = Walk() }

    /// This turn's share.
    func stepJudging() {
        guard var walk = walks.judging else { return }
        walk.step(self) { occupant, object in
            switch occupant {
            case .stream:
                guard let stream = object as? TunnelStream, let why = lateRefusal(stream.record) else { return }
                stream.refuse(why)
            case .relay:
                guard let relay = object as? RelayEnd, relay.facesClient, let why = lateRefusal(relay.record) else {
                    return
                }
                relay.relayFail(why)
            default: break
            }
        }
        walks.judging = walk.isDone ? nil : walk
    }

    /// Why a connection that was accepted may not go on; `nil` when it may, or when it is not for policies to judge.
    func lateRefusal(_ record: ConnectionRecord) -> ConnectionFailure? {
        guard let facts = record.facts, record.isOpen else { return nil }
        let decision = state.policy.decide(facts)
        guard !decision.verdict.isAllowed else { return nil }
        log.decision(decision, record, by: state.policy)
        return .denied("\(decision.verdict); policies changed after the connection was accepted")
    }

    /// Why nothing new is taken; `nil` when it is.
    var unknownOwnRefusal: ConnectionFailure? {
        guard !state.isOwnKnown else { return nil }
        return .refused(
            "the control plane has no record of our own workload \(state.own.namespace)/\(state.own.name); "
                + "is its pod being deleted?")
    }
}
