/// What a descriptor belongs to.
enum Occupant: UInt8 { case nobody, doorbell, listener, tunnel, stream, relay, parked, socks5 }

/// Descriptor → object, for one reactor. Confined to the reactor's thread.
///
/// A flat table, since descriptors are small numbers: a look-up is one load. Each slot counts how often it was used;
/// tokens carry that count, so that an event for a closed descriptor never reaches the next one of the same number.
@safe
struct DescriptorTable: ~Copyable {
    @safe private struct Slot {
        var object: Unmanaged<AnyObject>?
        var generation: UInt32
        var occupant: Occupant
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity: Int

    init() {
        capacity = 256
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot(object: nil, generation: 0, occupant: .nobody), count: capacity)
    }

    deinit {
        for index in 0..<capacity { unsafe slots[index].object?.release() }
        unsafe slots.deallocate()
    }

    /// Retains `object` as the owner of `fd`.
    /// - Returns: the token for epoll and timers: generation in the high half, descriptor in the low one.
    mutating func occupy(_ fd: Int32, _ occupant: Occupant, _ object: AnyObject) -> UInt64 {
        let index = Int(fd)
        if index >= capacity { grow(index) }
        unsafe slots[index].object = .passRetained(object)
        unsafe slots[index].occupant = occupant
        return unsafe UInt64(slots[index].generation) << 32 | UInt64(UInt32(fd))
    }

    /// Empties the slot and hands over the retained reference.
    mutating func vacate(_ fd: Int32) -> Unmanaged<AnyObject>? {
        let index = Int(fd)
        guard index < capacity else { return nil }
        let object = unsafe slots[index].object
        unsafe slots[index].object = nil
        unsafe slots[index].occupant = .nobody
        unsafe slots[index].generation &+= 1
        return unsafe object
    }

    func token(of fd: Int32) -> UInt64 { unsafe UInt64(slots[Int(fd)].generation) << 32 | UInt64(UInt32(fd)) }

    /// Who the token speaks of; `.nobody` when that one is gone.
    @inline(__always)
    func find(_ token: UInt64) -> (occupant: Occupant, object: Unmanaged<AnyObject>?) {
        let index = Int(UInt32(truncatingIfNeeded: token))
        guard index < capacity, unsafe slots[index].generation == UInt32(token >> 32) else { return (.nobody, nil) }
        return unsafe (slots[index].occupant, slots[index].object)
    }

    /// One past the last slot.
    var end: Int { capacity }

    /// Who holds the descriptor of that number; the object is alive at least until the end of the turn.
    func occupant(at index: Int) -> (occupant: Occupant, object: AnyObject?) {
        unsafe (slots[index].occupant, slots[index].object?.takeUnretainedValue())
    }

    /// Every object of a kind. A copy, since what is done with them may change the table.
    func all(_ occupant: Occupant) -> [AnyObject] {
        var found: [AnyObject] = []
        for index in 0..<capacity where unsafe slots[index].occupant == occupant {
            if let object = unsafe slots[index].object { unsafe found.append(object.takeUnretainedValue()) }
        }
        return found
    }

    private mutating func grow(_ index: Int) {
        let larger = max(capacity * 2, index + 1)
        let next = UnsafeMutablePointer<Slot>.allocate(capacity: larger)
        unsafe next.moveInitialize(from: slots, count: capacity)
        unsafe (next + capacity).initialize(
            repeating: Slot(object: nil, generation: 0, occupant: .nobody), count: larger - capacity)
        unsafe slots.deallocate()
        unsafe slots = next
        capacity = larger
    }
}
