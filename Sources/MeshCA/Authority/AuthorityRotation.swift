import X509

/// Replaces an authority's root by a new one without a moment in which somebody is not trusted.
package struct AuthorityRotation: Sendable {
    package enum Step: String, Sendable {
        /// A new root is made and handed out beside the old one.
        case begun
        /// The new root signs.
        case switched
        /// The old root is out of the bundle.
        case finished
        case cancelled
    }

    private let store: any AuthorityStore
    package init(_ store: any AuthorityStore) { self.store = store }

    /// Shortest time for which a new root is only handed out, whatever was issued. Clients read roots at least at half of
    /// the life of their certificates; those that watch a file need its distribution.
    private static let shortestOverlap: Int64 = 60

    /// Makes a new root and puts it into the bundle.
    /// - Parameters:
    ///   - overlap: seconds until it signs; `nil` waits until every certificate issued so far has ended.
    ///   - now: seconds since 1970.
    package func begin(
        overlap: Int64? = nil, rootLifetime: Int64? = nil, now: Int64
    ) async throws(AuthorityError) -> RotationState {
        try await store.change { files throws(AuthorityError) in
            var state = try files.state()
            if let rotation = state.rotation {
                throw files.refused(
                    "a rotation is \(rotation.phase.rawValue) until \(UnixTime.text(rotation.until)) already")
            }
            guard files[.settings] != nil else {
                throw files.refused(
                    "is a plug-in authority without authority.yaml, so its files have to be replaced by hand")
            }
            let authority = try files.authority(trustDomain: nil, now: now)
            let old = authority.material.signing
            guard authority.signsWithRoot else {
                throw files.refused("is signed by another authority's root, so its files have to be replaced by hand")
            }
            let next = try AuthorityFiles.root(
                trustDomain: authority.trustDomain, unit: "since \(UnixTime.text(now))", notBefore: now,
                lifetime: rootLifetime
                    ?? UnixTime.seconds(old.notValidAfter) - UnixTime.seconds(old.notValidBefore))
            let end = UnixTime.seconds(old.notValidAfter)
            // The old root must still be able to sign when the new one takes over.
            let until = min(overlap.map { now + $0 } ?? max(state.horizon, now + Self.shortestOverlap), end - 1)
            let rotation = RotationState(phase: .distributing, since: now, until: max(until, now))
            state.rotation = rotation
            files[.nextKey] = next.key
            files[.nextCertificate] = next.certificate
            let roots = authority.material.rootPEM
            files[.roots] = (roots.hasSuffix("\n") ? roots : roots + "\n") + next.certificate
            files[.state] = state.text
            return rotation
        }
    }

    /// Does the next step of a rotation when it is due.
    /// - Parameter force: whether to do it before that. Who has not renewed by then is not trusted any more.
    /// - Returns: what was done; `nil` when nothing was due.
    package func advance(force: Bool = false, now: Int64) async throws(AuthorityError) -> Step? {
        try await store.change { files throws(AuthorityError) in
            var state = try files.state()
            guard let rotation = state.rotation else {
                guard force else { return nil }
                throw files.refused("no rotation is under way; begin one with meshctl ca rotate")
            }
            guard force || now >= rotation.until else { return nil }
            switch rotation.phase {
            case .distributing:
                try Self.takeOver(&files, now: now)
                // Clocks of those who check may run behind ours.
                let until = max(state.horizon, now) + CertificateProfile.backdating
                state.rotation = RotationState(phase: .retiring, since: now, until: until)
            case .retiring:
                try Self.retire(&files)
                state.rotation = nil
            }
            files[.state] = state.text
            return state.rotation == nil ? .finished : .switched
        }
    }

    /// Takes a new root that does not sign yet out of the bundle.
    package func cancel() async throws(AuthorityError) {
        try await store.change { files throws(AuthorityError) in
            var state = try files.state()
            guard state.rotation?.phase == .distributing else {
                throw files.refused("no new root is being handed out; one that signs already cannot be taken back")
            }
            files[.roots] = try files.bundle(without: try files.text(.nextCertificate))
            state.rotation = nil
            files[.state] = state.text
            files[.nextCertificate] = nil
            files[.nextKey] = nil
        }
    }

    private static func takeOver(_ files: inout AuthorityFiles, now: Int64) throws(AuthorityError) {
        files[.previousKey] = try files.text(.key)
        files[.previousCertificate] = try files.text(.certificate)
        files[.key] = try files.text(.nextKey)
        files[.certificate] = try files.text(.nextCertificate)
        files[.chain] = ""
        files[.nextKey] = nil
        files[.nextCertificate] = nil
        // Lists of the signer before are signed by a root that stays, so they still belong.
        _ = try files.material(now: now)
    }

    private static func retire(_ files: inout AuthorityFiles) throws(AuthorityError) {
        let previous = try files.text(.previousCertificate)
        files[.roots] = try files.bundle(without: previous)
        files[.revocations] = try RevocationIssuer.lists(of: files, without: previous)
        files[.previousCertificate] = nil
        files[.previousKey] = nil
    }
}

extension AuthorityFiles {
    /// The bundle without one certificate; others, of whomever they are, stay in their order.
    fileprivate func bundle(without text: String) throws(AuthorityError) -> String {
        do {
            let gone = try PEM.certificates(text)
            let rest = try PEM.certificates(try self.text(.roots)).filter { !gone.contains($0) }
            guard !rest.isEmpty else {
                throw AuthorityError.content(path: path(.roots), reason: "would be left without a root")
            }
            return try rest.map(PEM.text).joined()
        } catch {
            throw error as? AuthorityError ?? .content(path: path(.roots), reason: "\(error)")
        }
    }

    func refused(_ reason: String) -> AuthorityError { .refused(directory: place, reason: reason) }
}
