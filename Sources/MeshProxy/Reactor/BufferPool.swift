import MeshLinux
import MeshTLS

/// Blocks and buffers that wait for use, shared by all connections of one reactor, and what connections may have of them.
/// Confined to its thread.
///
/// A connection owns memory only while its socket refuses bytes; everything else passes through scratch buffers. What is
/// held for sockets that refuse is bounded: the closer to the limit, the less a tunnel may have queued before its peer gets
/// no more credit. Sockets are read nevertheless, or answers to PING would come too late. What peers were allowed to send
/// before is bounded apart, as what was promised.
@safe
final class BufferPool {
    /// Blocks that are kept: what one stream may have queued (its window of 4 MiB). With fewer, an application that is
    /// slower than its tunnel has them allocated and freed in every turn, and the kernel clear their pages.
    static let blockLimit = 256
    /// Of these, how many are kept once nobody needs them.
    static let blockFloor = 64
    /// Payload that one tunnel may have queued when there is plenty, and when there is none.
    static let largestShare = 16 << 20
    static let smallestShare = 64 << 10
    /// Room that a small buffer leaves behind what waits in it, for what TLS may answer meanwhile.
    static let slack = 4 << 10

    private var freeBlocks: UnsafeMutablePointer<Block>?
    private var freeBlockCount = 0
    /// A block has come back since somebody has looked.
    var hasUsedBlocks = false
    private var freeOutputs: [UnsafeMutablePointer<UInt8>] = unsafe []

    /// Bytes of one ciphertext buffer.
    let outputCapacity: Int
    /// Bytes that connections may hold.
    private(set) var limit: Int
    /// Bytes that they do.
    private(set) var held = 0
    /// Payload that the peers of all tunnels may send ahead.
    private(set) var promised = 0

    init(outputCapacity: Int, limit: Int) {
        self.outputCapacity = outputCapacity
        self.limit = limit
        unsafe freeOutputs.reserveCapacity(8)
    }

    deinit {
        while let block = unsafe freeBlocks {
            unsafe freeBlocks = block.pointee.next
            unsafe block.deallocate()
        }
        while let output = unsafe freeOutputs.popLast() { unsafe output.deallocate() }
    }

    // MARK: Shares

    /// Payload that one tunnel may have queued before its peer gets no more credit: an eighth of what is left. A quarter of
    /// the limit is kept back for what peers were allowed to send before.
    var share: Int { min(Self.largestShare, max(Self.smallestShare, (limit / 4 * 3 - held) / 8)) }
    /// More than half is in use: peers of slow readers get smaller windows.
    var isTight: Bool { held > limit / 2 }
    /// Tunnels seal little at a time, since their sockets may refuse it.
    var isFull: Bool { held >= limit }

    /// Whether windows may grow by so much.
    func mayPromise(_ bytes: Int) -> Bool { !isTight && promised + bytes <= limit }
    func notePromise(_ delta: Int) { promised += delta }

    // MARK: Moving

    /// Memory that comes with a tunnel from another reactor, or goes with it.
    func noteHeld(_ delta: Int) { held += delta }

    /// Gives away half of what connections may hold.
    func cedeHalf() -> Int {
        let half = limit / 2
        limit -= half
        return half
    }

    func gain(_ bytes: Int) { limit += bytes }

    // MARK: Blocks

    func takeBlock() -> UnsafeMutablePointer<Block> {
        held += Block.bytes
        let block: UnsafeMutablePointer<Block>
        if let free = unsafe freeBlocks {
            unsafe freeBlocks = free.pointee.next
            freeBlockCount -= 1
            unsafe block = free
        } else {
            unsafe block = UnsafeMutableRawPointer.allocate(byteCount: Block.bytes, alignment: 16)
                .bindMemory(to: Block.self, capacity: 1)
        }
        unsafe block.initialize(to: Block(next: nil, start: Int32(Block.header), end: Int32(Block.header)))
        return unsafe block
    }

    func give(_ block: UnsafeMutablePointer<Block>) {
        held -= Block.bytes
        guard freeBlockCount < Self.blockLimit else {
            unsafe block.deallocate()
            return
        }
        unsafe block.pointee.next = freeBlocks
        unsafe freeBlocks = block
        freeBlockCount += 1
        hasUsedBlocks = true
    }

    /// Gives half of the blocks that wait beyond the floor back to the allocator. Called now and then.
    func shrink() {
        var excess = (freeBlockCount - Self.blockFloor + 1) / 2
        while excess > 0, let block = unsafe freeBlocks {
            unsafe freeBlocks = block.pointee.next
            unsafe block.deallocate()
            freeBlockCount -= 1
            excess -= 1
        }
    }

    // MARK: Ciphertext

    /// An empty buffer that takes whatever one turn seals.
    func takeOutput() -> CipherQueue {
        held += outputCapacity
        return unsafe CipherQueue(
            freeOutputs.popLast() ?? .allocate(capacity: outputCapacity), capacity: outputCapacity)
    }

    /// Takes a buffer back, with what is in it.
    func give(_ output: CipherQueue) {
        guard let base = unsafe output.base else { return }
        held -= output.capacity
        if output.capacity == outputCapacity, unsafe freeOutputs.count < 2 {
            unsafe freeOutputs.append(base)
        } else {
            unsafe base.deallocate()
        }
    }

    /// What waits for use needs no memory meanwhile, but for the pages that blocks share with their heads and neighbours.
    func forget() {
        for index in unsafe freeOutputs.indices { unsafe Kernel.forget(freeOutputs[index], outputCapacity) }
        var next = unsafe freeBlocks
        while let block = unsafe next {
            unsafe next = block.pointee.next
            let bytes = unsafe UnsafeMutableRawPointer(block).assumingMemoryBound(to: UInt8.self)
            unsafe Kernel.forget(bytes + Block.header, Block.bytes - Block.header)
        }
    }

    /// The same bytes in a buffer that just holds them, where that saves most of it.
    func fitted(_ output: CipherQueue) -> CipherQueue {
        let capacity = output.count + Self.slack
        guard output.capacity == outputCapacity, capacity * 8 <= outputCapacity, let base = unsafe output.base else {
            return output
        }
        held += capacity
        var small = unsafe CipherQueue(.allocate(capacity: capacity), capacity: capacity)
        _ = unsafe small.append(base + output.start, output.count)
        give(output)
        return small
    }
}
