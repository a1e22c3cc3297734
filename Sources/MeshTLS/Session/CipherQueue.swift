/// Ciphertext on its way to the socket, in a buffer that the owner of the session lends.
///
/// Shape: bytes `start..<end` of `base` wait to be sent; `end..<capacity` is room. The session only ever appends. Lend a
/// buffer before a call that may write, and take it back once the queue is empty; nothing here allocates or frees.
@safe package struct CipherQueue {
    package var base: UnsafeMutablePointer<UInt8>?
    package var capacity: Int
    package var start: Int
    package var end: Int

    package init() {
        unsafe base = nil
        capacity = 0
        start = 0
        end = 0
    }

    /// An empty queue over `capacity` bytes at `base`.
    package init(_ base: UnsafeMutablePointer<UInt8>, capacity: Int) {
        unsafe self.base = unsafe base
        self.capacity = capacity
        start = 0
        end = 0
    }

    @inlinable package var count: Int { end - start }
    @inlinable package var isEmpty: Bool { end == start }
    /// Bytes that can be appended without `compact`.
    @inlinable package var room: Int { capacity - end }

    /// Forgets the first `count` bytes, which the socket took.
    package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "consume \(count) of \(self.count)")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Moves what waits to the front of the buffer. Cost: one copy of it.
    package mutating func compact() {
        guard start > 0, let base = unsafe base else { return }
        unsafe base.update(from: base + start, count: count)
        end -= start
        start = 0
    }

    /// False, with nothing written, when the room does not suffice.
    @inline(__always) package mutating func append(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        guard count <= room, let base = unsafe base else { return false }
        unsafe UnsafeMutableRawPointer(base + end).copyMemory(from: bytes, byteCount: count)
        end += count
        return true
    }
}
