import X509

/// How the roots of a running authority change.
///
/// Deviation: istiod refuses every change of the roots unless ISTIO_MULTIROOT_MESH is set, and then asks for what is asked
/// for here: one set holds the other, so that nobody's certificates lose trust by a slip.
struct BundleChange: CustomStringConvertible {
    let added: Int
    let removed: Int
    private let kept: Int

    init(from old: [Certificate], to new: [Certificate]) {
        let (before, after) = (Set(old), Set(new))
        added = after.subtracting(before).count
        removed = before.subtracting(after).count
        kept = before.intersection(after).count
    }

    /// Whether roots are only added or only removed, and at least one stays.
    var isGradual: Bool { kept > 0 && (added == 0 || removed == 0) }

    var description: String {
        if kept == 0 {
            return "none of the roots in force is left; add the new ones beside them first, restart otherwise"
        }
        return "\(added) roots are new and \(removed) are gone at once; do one after the other, restart otherwise"
    }
}
