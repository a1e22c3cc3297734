extension DataPlane {
    /// Every open connection of every reactor, in no particular order.
    ///
    /// Cost: a reactor looks at a few hundred connections per turn, so it takes some turns and stalls nobody. A
    /// connection that opens, closes or moves meanwhile may be in the list or not.
    package func connections() async -> [ConnectionInfo] { await gather { .connections($0) } }

    /// Every tunnel: pooled ones, accepted ones, and those that are under way.
    package func tunnels() async -> [TunnelInfo] {
        // One that moved meanwhile may have been seen by both reactors of its worker.
        var seen: Set<UInt64> = []
        return await gather { .tunnels($0) }.filter { seen.insert($0.id).inserted }
    }

    private func gather<Item: Sendable>(
        _ question: @Sendable (@escaping @Sendable ([Item]) -> Void) -> Mail
    ) async -> [Item] {
        var all: [Item] = []
        for mailbox in mailboxes {
            all += await withCheckedContinuation { continuation in
                // A reactor that has ended has no connections.
                if !mailbox.post(question { continuation.resume(returning: $0) }) { continuation.resume(returning: []) }
            }
        }
        return all
    }

    /// From now on the access log holds what is at least this severe.
    package func setAccessLogThreshold(_ threshold: AccessLogOptions.Threshold) { post(.accessLog(threshold)) }

    /// From now on policy decisions (target `state`) are told when they are at least this severe.
    package func setPolicyLogThreshold(_ threshold: AccessLogOptions.Threshold) { post(.policyLog(threshold)) }
}
