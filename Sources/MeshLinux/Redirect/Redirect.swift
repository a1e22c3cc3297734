/// Puts redirection into a namespace, checks it there, and takes it out again.
///
/// Each call does its work inside the namespace on a thread of its own, and blocks until it is done. Nothing here is
/// remembered: what is ours is told by the comment on our chains and by the protocol number of our routes and rules.
package enum Redirect {
    /// Makes a namespace as planned; what is so already is not touched.
    ///
    /// - Parameters:
    ///   - takeOver: replace tables of our names that another program made and that are not as planned.
    ///   - dryRun: only find out what would be done.
    /// - Throws: when it is the host's namespace, or a step failed. The steps of this call before it were taken back.
    package static func apply(
        _ plan: RedirectPlan, in namespace: borrowing NetworkNamespace, takeOver: Bool = false, dryRun: Bool = false
    ) throws(RedirectError) -> RedirectOutcome {
        try change(namespace, dryRun: dryRun) { kernel throws(RedirectError) in
            try Proposal(applying: plan, to: RedirectState(of: kernel), takeOver: takeOver)
        }
    }

    /// Takes out what `apply` put in. What was there before it, or is another program's, stays; nothing there is fine.
    ///
    /// - Parameter anyOwner: also what another program made, such as istio-cni.
    package static func remove(
        in namespace: borrowing NetworkNamespace, anyOwner: Bool = false, dryRun: Bool = false
    ) throws(RedirectError) -> RedirectOutcome {
        try change(namespace, dryRun: dryRun) { kernel throws(RedirectError) in
            Proposal(removingFrom: try RedirectState(of: kernel), anyOwner: anyOwner)
        }
    }

    /// Compares a namespace with a plan, and sends packets to see what becomes of them.
    ///
    /// - Parameter live: with packets: always, never, or where that is possible.
    package static func verify(
        _ plan: RedirectPlan, in namespace: borrowing NetworkNamespace, live: RedirectVerification.Live = .whenPossible
    ) throws(RedirectError) -> RedirectVerification {
        try visit(namespace) { () throws(RedirectError) in
            let state = try RedirectState(of: NamespaceKernel())
            var verification = RedirectVerification(plan, state)
            if live != .never { verification.add(RedirectProbe.run(plan.families), required: live == .always) }
            return verification
        }
    }

    private static func change(
        _ namespace: borrowing NetworkNamespace, dryRun: Bool,
        _ propose: (NamespaceKernel) throws(RedirectError) -> Proposal
    ) throws(RedirectError) -> RedirectOutcome {
        do throws(NamespaceError) { try namespace.refuseHost() } catch { throw .namespace(error) }
        return try visit(namespace) { () throws(RedirectError) in
            let kernel = NamespaceKernel()
            let proposal = try propose(kernel)
            if !dryRun { try perform(proposal.steps, kernel) }
            return RedirectOutcome(steps: proposal.steps, kept: proposal.kept, dryRun: dryRun)
        }
    }

    private static func visit<Value>(
        _ namespace: borrowing NetworkNamespace, _ body: () throws(RedirectError) -> Value
    ) throws(RedirectError) -> Value {
        let outcome: Result<Value, RedirectError>
        do throws(NamespaceError) { outcome = try namespace.run(body) } catch { throw .namespace(error) }
        return try outcome.get()
    }

    /// Takes the steps in order; when one fails, takes back those before it, last first.
    static func perform(_ steps: [RedirectStep], _ kernel: some RedirectKernel) throws(RedirectError) {
        var done: [RedirectStep] = []
        do throws(RedirectError) {
            for step in steps {
                let reverse = try step.reversed(kernel)
                try step.take(kernel)
                done.append(reverse)
            }
        } catch {
            var left: [String] = []
            for reverse in done.reversed() {
                do throws(RedirectError) {
                    try reverse.take(kernel)
                } catch let trouble {
                    left.append("\(reverse.summary) (\(trouble))")
                }
            }
            throw left.isEmpty ? error : .notUndone(error, left: left)
        }
    }
}

extension RedirectStep {
    fileprivate func take(_ kernel: some RedirectKernel) throws(RedirectError) {
        switch self {
        case .rules(_, let commands): try kernel.transact(commands.joined(separator: "\n") + "\n")
        case .addRoute(let route): try kernel.add(route)
        case .deleteRoute(let route): try kernel.delete(route)
        case .addRule(let rule): try kernel.add(rule)
        case .deleteRule(let rule): try kernel.delete(rule)
        }
    }

    /// The step that leads back from this one to how things are now.
    fileprivate func reversed(_ kernel: some RedirectKernel) throws(RedirectError) -> RedirectStep {
        switch self {
        case .rules(let names, _):
            let present = try kernel.tables().map(\.name)
            var commands: [String] = []
            for name in names {
                commands += NftTable.deletion(of: name)
                if present.contains(name) { commands.append(try kernel.dump(table: name)) }
            }
            return .rules(tables: names, commands: commands)
        case .addRoute(let route): return .deleteRoute(route)
        case .deleteRoute(let route): return .addRoute(route)
        case .addRule(let rule): return .deleteRule(rule)
        case .deleteRule(let rule): return .addRule(rule)
        }
    }
}
