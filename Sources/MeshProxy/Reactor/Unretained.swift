/// A reference that does not keep its object alive, and costs no more than a pointer.
///
/// Safe by construction of the data path: a stream, a tunnel and a relay end are retained by the descriptor table (or
/// the graveyard) for longer than anything refers to them, and the reactor outlives them all. Whoever stores one of these
/// says in a comment which of the two holds.
@safe
struct Unretained<Object: AnyObject> {
    private unowned(unsafe) var reference: Object?

    init(_ object: Object?) { unsafe reference = object }

    @inline(__always)
    var object: Object? {
        get { unsafe reference }
        set { unsafe reference = newValue }
    }
}
