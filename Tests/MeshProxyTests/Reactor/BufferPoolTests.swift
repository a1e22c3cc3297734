import Glibc
import MeshTLS
import Testing

@testable import MeshProxy

@Suite("What connections may hold")
struct BufferPoolTests {
    private static let mebi = 1 << 20
    private let pool = BufferPool(outputCapacity: 64 << 10, limit: 4 << 20)

    /// Takes blocks until so many bytes are held.
    private func hold(_ bytes: Int) -> [UnsafeMutablePointer<Block>] {
        (0..<bytes / Block.bytes).map { _ in pool.takeBlock() }
    }

    @Test("is an eighth of what is left for each tunnel, and never nothing")
    func shares() {
        #expect(pool.share == 3 * Self.mebi / 8 && !pool.isTight && !pool.isFull)
        var blocks = hold(Self.mebi)
        #expect(pool.share == 2 * Self.mebi / 8 && !pool.isTight)
        blocks += hold(2 * Self.mebi)
        #expect(pool.share == BufferPool.smallestShare && pool.isTight && !pool.isFull)
        blocks += hold(Self.mebi)
        #expect(pool.held == pool.limit && pool.isFull)
        for block in blocks { pool.give(block) }
        #expect(pool.held == 0 && pool.share == 3 * Self.mebi / 8)
        #expect(BufferPool(outputCapacity: 64, limit: 1 << 40).share == BufferPool.largestShare)
    }

    @Test("bounds what peers may send ahead, all together")
    func promises() {
        pool.notePromise(pool.limit - 1000)
        #expect(pool.mayPromise(1000) && !pool.mayPromise(1001))
        pool.notePromise(-1000)
        #expect(pool.mayPromise(2000))
        let blocks = hold(3 * Self.mebi)
        #expect(!pool.mayPromise(1), "nobody gets more while memory is short")
        for block in blocks { pool.give(block) }
    }

    @Test("counts ciphertext by the buffer that holds it, which is small where little waits")
    func ciphertext() {
        var output = pool.takeOutput()
        #expect(pool.held == output.capacity)
        let bytes = [UInt8]("some records".utf8)
        let isAppended = bytes.withUnsafeBufferPointer { output.append($0.baseAddress!, $0.count) }
        #expect(isAppended)
        output = pool.fitted(output)
        #expect(output.capacity == bytes.count + BufferPool.slack && pool.held == output.capacity)
        #expect(Array(UnsafeBufferPointer(start: output.base, count: output.count)) == bytes)
        pool.give(output)
        #expect(pool.held == 0)
    }

    @Test("forgets what is in free blocks and buffers, and gives them out again")
    func forgets() {
        // Of larger pages no whole one lies within.
        let isForgotten = sysconf(Int32(_SC_PAGESIZE)) == 4096
        let pattern = [UInt8](repeating: 7, count: Block.bytes - Block.header)
        let output = pool.takeOutput()
        output.base?.initialize(repeating: 7, count: output.capacity)
        let blocks = (0..<3).map { _ in pool.takeBlock() }
        let texts = blocks.map { UnsafeMutableRawPointer($0) + Block.header }
        for text in texts { text.copyMemory(from: pattern, byteCount: pattern.count) }
        for block in blocks[..<2] { pool.give(block) }
        pool.give(output)

        pool.forget()

        // The pages within are new; the block that is in use keeps its bytes.
        for text in texts[..<2] where isForgotten {
            #expect(text.load(fromByteOffset: Block.bytes / 2, as: UInt8.self) == 0)
        }
        #expect(UnsafeRawBufferPointer(start: texts[2], count: pattern.count).elementsEqual(pattern))
        #expect(output.base?[output.capacity / 2] == 0 || !isForgotten)
        let again = (0..<2).map { _ in pool.takeBlock() }
        #expect(Set(again) == Set(blocks[..<2]))
        #expect(pool.takeOutput().base == output.base)
        for text in texts { text.copyMemory(from: pattern, byteCount: pattern.count) }
        for block in again + blocks[2...] { pool.give(block) }
    }

    @Test("keeps the large buffer where much waits")
    func muchCiphertext() {
        var output = pool.takeOutput()
        let bytes = [UInt8](repeating: 7, count: output.capacity / 4)
        _ = bytes.withUnsafeBufferPointer { output.append($0.baseAddress!, $0.count) }
        let base = output.base
        output = pool.fitted(output)
        #expect(output.base == base && pool.held == output.capacity)
        pool.give(output)
        #expect(pool.held == 0)
    }
}
