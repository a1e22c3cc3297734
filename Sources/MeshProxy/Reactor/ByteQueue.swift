import MeshLinux

/// 16 KiB of bytes that a socket refused, in a chain.
@safe
struct Block {
    var next: UnsafeMutablePointer<Block>?
    /// Offsets from the start of the block; data begins behind this header.
    var start: Int32
    var end: Int32

    static let bytes = 16384
    static let header = 16
}

/// Bytes on their way to a socket that would not take them yet, oldest first.
@safe
struct ByteQueue {
    private var head: UnsafeMutablePointer<Block>?
    private var tail: UnsafeMutablePointer<Block>?
    private(set) var count = 0

    init() {}

    var isEmpty: Bool { count == 0 }

    /// Bytes of the pool's blocks that it holds. Cost: a walk.
    var held: Int {
        var bytes = 0
        var next = unsafe head
        while let block = unsafe next {
            bytes += Block.bytes
            unsafe next = block.pointee.next
        }
        return bytes
    }

    mutating func append(_ source: UnsafePointer<UInt8>, _ length: Int, from pool: BufferPool) {
        var source = unsafe source
        var left = length
        count += length
        while left > 0 {
            let isFull = unsafe tail.map { unsafe $0.pointee.end == Int32(Block.bytes) } ?? true
            if isFull { unsafe link(pool.takeBlock()) }
            guard let block = unsafe tail else { return }
            let take = min(left, Block.bytes - Int(unsafe block.pointee.end))
            unsafe (UnsafeMutableRawPointer(block) + Int(block.pointee.end)).copyMemory(from: source, byteCount: take)
            unsafe block.pointee.end += Int32(take)
            unsafe source += take
            left -= take
        }
    }

    private mutating func link(_ block: UnsafeMutablePointer<Block>) {
        if let last = unsafe tail { unsafe last.pointee.next = block } else { unsafe head = block }
        unsafe tail = block
    }

    /// Writes until the socket refuses.
    /// - Returns: bytes that went out, and the error (-errno) that ended it; 0 when the queue is empty, -EAGAIN when
    ///   the socket is full.
    mutating func drain(to fd: Int32, pool: BufferPool) -> (sent: Int, error: Int) {
        var sent = 0
        while count > 0 {
            var asked = 0
            let wrote = unsafe withUnsafeTemporaryAllocation(of: IOVector.self, capacity: 32) { vector -> Int in
                guard let base = vector.baseAddress else { return 0 }
                var spans = 0
                var next = unsafe head
                while let block = unsafe next, spans < 32 {
                    let length = Int(unsafe block.pointee.end - block.pointee.start)
                    unsafe (base + spans).initialize(
                        to: IOVector(base: UnsafeMutableRawPointer(block) + Int(block.pointee.start), count: length))
                    asked += length
                    spans += 1
                    unsafe next = block.pointee.next
                }
                return unsafe Kernel.send(fd, base, spans)
            }
            guard wrote > 0 else { return (sent, wrote) }
            sent += wrote
            drop(wrote, pool)
            if wrote < asked { return (sent, -Kernel.again) }
        }
        return (sent, 0)
    }

    private mutating func drop(_ bytes: Int, _ pool: BufferPool) {
        count -= bytes
        var left = bytes
        while left > 0, let block = unsafe head {
            let length = Int(unsafe block.pointee.end - block.pointee.start)
            if left < length {
                unsafe block.pointee.start += Int32(left)
                return
            }
            left -= length
            unsafe head = block.pointee.next
            if unsafe head == nil { unsafe tail = nil }
            unsafe pool.give(block)
        }
    }

    mutating func discard(_ pool: BufferPool) { drop(count, pool) }
}
