/// Which engine serves each suite in sessions whose records are ours. Decided once per credential.
struct RecordPlan: Sendable {
    private let aes128: AEADEngine?
    private let aes256: AEADEngine?
    private let chacha20: AEADEngine?

    /// - Returns: `nil` when libssl keeps the records.
    /// - Throws: `.options` when ours are demanded and cannot be had.
    init?(_ options: TLSOptions) throws(TLSError) {
        if options.records == .libssl { return nil }
        func choose(_ suite: TLSOptions.CipherSuite) -> AEADEngine? {
            guard options.cipherSuites.contains(suite) else { return nil }
            if let engine = options.engine, engine.serves(suite) { return engine }
            return AEADEngine.fastest(suite)
        }
        (aes128, aes256, chacha20) = (choose(.aes128GCM), choose(.aes256GCM), choose(.chacha20Poly1305))
        guard options.records == .own else { return }
        for suite in options.cipherSuites where engine(for: suite) == nil {
            throw .options("own records: no engine for \(suite.rawValue) passed its check; use libssl's")
        }
        if let engine = options.engine, !options.cipherSuites.contains(where: engine.serves) {
            throw .options("own records: \(engine.rawValue) serves none of the cipher suites here")
        }
    }

    func engine(for suite: TLSOptions.CipherSuite) -> AEADEngine? {
        switch suite {
        case .aes128GCM: aes128
        case .aes256GCM: aes256
        case .chacha20Poly1305: chacha20
        }
    }
}

extension TLSOptions {
    /// What sessions will use when the peer has no preference of its own.
    package var expectedRecordLayer: RecordLayer {
        guard let plan = try? RecordPlan(self), let suite = cipherSuites.first, let engine = plan.engine(for: suite)
        else { return .libssl }
        return .own(engine)
    }
}

/// Whose code protects the data of a session.
package enum RecordLayer: Sendable, Equatable, CustomStringConvertible {
    case libssl
    case own(AEADEngine)

    package var description: String {
        switch self {
        case .libssl: "libssl"
        case .own(let engine): "own, \(engine.label)"
        }
    }
}
