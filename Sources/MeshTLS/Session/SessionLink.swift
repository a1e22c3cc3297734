import COpenSSL

/// What the BIO of a session works on: the ciphertext window it reads, and the queue it appends to.
@safe struct SessionLink {
    /// Ciphertext the caller handed in, and how far libssl has read it.
    private var input: UnsafeMutablePointer<UInt8>?
    private var inputStart = 0
    private var inputEnd = 0
    /// A copy of what was left when the caller took its buffer back; read before `input`.
    private var carry: UnsafeMutablePointer<UInt8>?
    private var carryStart = 0
    private var carryEnd = 0

    var output = CipherQueue()
    /// Set when libssl wanted to write more than `output` holds. The session is lost then.
    var overflowed = false

    init() {
        unsafe input = nil
        unsafe carry = nil
    }

    var hasInput: Bool { inputStart < inputEnd || carryStart < carryEnd }

    /// Opens the window. False when the last one is not used up.
    @inline(__always) mutating func offer(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Bool {
        guard count > 0, let bytes = unsafe bytes else { return true }
        guard inputStart == inputEnd else { return false }
        unsafe input = unsafe bytes
        inputStart = 0
        inputEnd = count
        return true
    }

    /// Closes the window, keeping a copy of the bytes that libssl has not read.
    mutating func endInput() {
        defer {
            unsafe input = nil
            inputStart = 0
            inputEnd = 0
        }
        let (kept, fresh) = (carryEnd - carryStart, inputEnd - inputStart)
        guard fresh > 0, let input = unsafe input else { return }
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: kept + fresh)
        if kept > 0, let carry = unsafe carry { unsafe grown.update(from: carry + carryStart, count: kept) }
        unsafe (grown + kept).update(from: input + inputStart, count: fresh)
        dropCarry()
        unsafe carry = unsafe grown
        carryEnd = kept + fresh
    }

    /// Takes up to `count` bytes; 0 when there are none.
    @inline(__always) mutating func read(_ into: UnsafeMutableRawPointer, _ count: Int) -> Int {
        if carryStart < carryEnd { return unsafe readCarry(into, count) }
        let taken = min(count, inputEnd - inputStart)
        guard taken > 0, let input = unsafe input else { return 0 }
        unsafe into.copyMemory(from: input + inputStart, byteCount: taken)
        inputStart += taken
        return taken
    }

    /// What is left of the bytes handed in, unless older ones come first.
    @inline(__always) var window: (base: UnsafeMutablePointer<UInt8>, count: Int)? {
        guard carryStart == carryEnd, let input = unsafe input else { return nil }
        return unsafe (input + inputStart, inputEnd - inputStart)
    }

    /// Takes `count` bytes of `window`, which has as many.
    @inline(__always) mutating func skip(_ count: Int) { inputStart += count }

    private mutating func readCarry(_ into: UnsafeMutableRawPointer, _ count: Int) -> Int {
        guard let carry = unsafe carry else { return 0 }
        let taken = min(count, carryEnd - carryStart)
        unsafe into.copyMemory(from: carry + carryStart, byteCount: taken)
        carryStart += taken
        if carryStart == carryEnd { dropCarry() }
        return taken
    }

    mutating func dropInput() {
        dropCarry()
        inputStart = inputEnd
    }

    private mutating func dropCarry() {
        unsafe carry?.deallocate()
        unsafe carry = nil
        carryStart = 0
        carryEnd = 0
    }

    /// The first bytes of the window, for a look before libssl reads them.
    func peek(_ limit: Int) -> UnsafeBufferPointer<UInt8> {
        guard let input = unsafe input else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeBufferPointer(start: input + inputStart, count: min(limit, inputEnd - inputStart))
    }
}

/// The kind of BIO through which libssl meets a `SessionLink`.
enum SessionBIO {
    /// `nonisolated(unsafe)`: made once under Swift's own once-lock and only read from then on; `nil` when out of memory.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        guard let method = unsafe BIO_meth_new(BIO_TYPE_SOURCE_SINK, "session") else { return nil }
        unsafe BIO_meth_set_read_ex(method, readFromLink)
        unsafe BIO_meth_set_write_ex(method, writeToLink)
        unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return unsafe method
    }()

    /// `link` must outlive the BIO.
    static func make(_ link: UnsafeMutablePointer<SessionLink>) -> OpaquePointer? {
        guard let method = unsafe method, let bio = unsafe BIO_new(method) else { return nil }
        unsafe BIO_set_data(bio, link)
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }
}

private let linkFlags = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

private func readFromLink(
    _ bio: OpaquePointer?, _ into: UnsafeMutablePointer<CChar>?, _ count: Int, _ taken: UnsafeMutablePointer<Int>?
) -> Int32 {
    guard let link = unsafe BIO_get_data(bio), let into = unsafe into, let taken = unsafe taken else { return 0 }
    unsafe BIO_clear_flags(bio, linkFlags)
    let read = unsafe link.assumingMemoryBound(to: SessionLink.self).pointee.read(into, count)
    unsafe taken.pointee = read
    if read > 0 { return 1 }
    // Tells libssl "not yet" instead of "the end".
    unsafe BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    return 0
}

private func writeToLink(
    _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int, _ written: UnsafeMutablePointer<Int>?
) -> Int32 {
    guard let data = unsafe BIO_get_data(bio), let bytes = unsafe bytes, let written = unsafe written else { return 0 }
    unsafe BIO_clear_flags(bio, linkFlags)
    let link = unsafe data.assumingMemoryBound(to: SessionLink.self)
    guard unsafe link.pointee.output.append(bytes, count) else {
        // Without a retry flag libssl gives up at once, so no byte of a stream can go missing in silence.
        unsafe link.pointee.overflowed = true
        return 0
    }
    unsafe written.pointee = count
    return 1
}
