import MeshLinux
import MeshTLS

/// Sizes of the buffer in which the plaintext of one tunnel's turn is put together.
enum Stage {
    /// Room past the capacity for frames that are not data.
    static let slack = 64 << 10
    static let bytes = Reactor.stageCapacity + slack + TLSSession.tailroom
}

/// Spans of decrypted payload for one application socket, written with one call.
///
/// The spans point into the reactor's scratch: they are written, or copied into the stream's queue, before it is used
/// again.
@safe
final class Gather {
    static let limit = 64

    private let spans: UnsafeMutablePointer<IOVector>
    private(set) var count = 0
    private(set) var bytes = 0
    /// Whose bytes these are. Alive as long as they wait: they are written before anything is released.
    var stream = Unretained<TunnelStream>(nil)

    init() { unsafe spans = .allocate(capacity: Self.limit) }
    deinit { unsafe spans.deallocate() }

    var isFull: Bool { count == Self.limit }

    /// Adds a span, joined to the last one where they touch.
    @inline(__always)
    func add(_ start: UnsafeMutablePointer<UInt8>, _ length: Int) {
        bytes += length
        if count > 0 {
            let last = unsafe spans + (count - 1)
            if let base = unsafe last.pointee.base, unsafe base + last.pointee.count == UnsafeMutableRawPointer(start) {
                unsafe last.pointee.count += length
                return
            }
        }
        unsafe (spans + count).initialize(to: IOVector(base: start, count: length))
        count += 1
    }

    /// One write of everything gathered.
    func write(to fd: Int32) -> Int {
        // Most often it is one span, for which the kernel has a shorter way.
        if count == 1, let base = unsafe spans[0].base {
            return unsafe Kernel.send(fd, base.assumingMemoryBound(to: UInt8.self), spans[0].count)
        }
        return unsafe Kernel.send(fd, spans, count)
    }

    /// Appends all but the first `skip` bytes to a queue.
    func keep(after skip: Int, in queue: inout ByteQueue, _ pool: BufferPool) {
        var skip = skip
        for index in 0..<count {
            guard let base = unsafe spans[index].base else { continue }
            let length = unsafe spans[index].count
            if skip < length {
                unsafe queue.append((base + skip).assumingMemoryBound(to: UInt8.self), length - skip, from: pool)
            }
            skip = max(0, skip - length)
        }
    }

    func clear() {
        count = 0
        bytes = 0
        stream.object = nil
    }
}
