/// A record of which only the beginning has come, until the rest does. Holds no memory while there is none.
@safe struct PartialRecord: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>?
    private(set) var count = 0
    private var capacity = 0

    init() { unsafe base = nil }
    deinit { unsafe base?.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// Takes what the link has, until there are `size` bytes.
    mutating func take(from link: UnsafeMutablePointer<SessionLink>, until size: Int) {
        guard count < size, unsafe link.pointee.hasInput else { return }
        if capacity < size { grow(to: size) }
        while count < size, let base = unsafe base {
            let read = unsafe link.pointee.read(base + count, size - count)
            if read == 0 { return }
            count += read
        }
    }

    private mutating func grow(to size: Int) {
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        if let base = unsafe base {
            unsafe grown.update(from: base, count: count)
            unsafe base.deallocate()
        }
        unsafe base = unsafe grown
        capacity = size
    }

    mutating func clear() {
        unsafe base?.deallocate()
        unsafe base = nil
        count = 0
        capacity = 0
    }
}

/// Plaintext of one record for which the caller's buffer was too small.
@safe struct Spill: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>?
    private var start = 0
    private var end = 0

    init() { unsafe base = nil }
    deinit { unsafe base?.deallocate() }

    /// Room for `size` bytes of a record; `keep` says how many of them are data.
    mutating func prepare(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        unsafe base?.deallocate()
        let made = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        unsafe base = unsafe made
        start = 0
        end = 0
        return unsafe made
    }

    mutating func keep(_ count: Int) { end = count }

    /// Moves as much as fits.
    mutating func drain(into plain: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
        let taken = min(capacity, end - start)
        if taken > 0, let base = unsafe base { unsafe plain.update(from: base + start, count: taken) }
        start += taken
        if start == end {
            unsafe base?.deallocate()
            unsafe base = nil
            start = 0
            end = 0
        }
        return taken
    }
}
