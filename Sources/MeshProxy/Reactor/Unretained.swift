/// A reference that does not keep its object alive, and costs no more than a pointer.
///
/// Safe by construction of the data path: a stream, a tunnel and a relay end are retained by the descriptor table (or
/// the graveyard) for longer than anything refers to them, and the reactor outlives them all. Whoever stores one of these
/// says in a comment which of the two holds.
@safe
struct Unretained<Object: AnyObject> {
    private var reference: Unmanaged<Object>?

    init(_ object: Object?) { unsafe reference = object.map(Unmanaged.passUnretained) }

    @inline(__always)
    var object: Object? {
        get { unsafe reference?.takeUnretainedValue() }
        set { unsafe reference = newValue.map(Unmanaged.passUnretained) }
    }

    /// Calls `body` with the object, if there is one, and counts no reference meanwhile: for what every request does.
    @inline(__always)
    func use<Result>(_ body: (Object) -> Result) -> Result? {
        guard let reference = unsafe reference else { return nil }
        return unsafe reference._withUnsafeGuaranteedRef { body($0) }
    }
}
