import Glibc
import MeshCore
import MeshKubernetes
import MeshPolicyCheck

/// Reads many policies and judges a flow by them, as `policy-check eval` does; then replays logs.
@main
enum Main {
    /// `policy-check-bench [policies] [lines]`
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let policies = arguments.first ?? 10_000
        let lines = arguments.dropFirst().first ?? 1_000_000
        let file = try TemporaryFile(Mesh.manifests(policies: policies))
        defer { file.remove() }

        var (judge, report): (PolicyJudge?, FlowReport?)
        let reading = try measure { judge = try PolicyJudge.read([file.path], doing: "benchmark") }
        guard let judge else { return }
        let parser = FlowParser(judge.index, doing: "benchmark")
        var request = FlowRequest()
        request.path = "/s\(policies / 2 | 1)/a"
        let (client, target) = (try parser.client("n1/web-1"), try parser.target("n1/svc:80"))
        let judging = measure { report = judge.report(client, target, request) }
        print(
            "eval, \(policies) policies, \(file.size >> 20) MiB of manifests: read \(milliseconds(reading)) ms, "
                + "judge \(milliseconds(judging)) ms, \(report?.allowed ?? false ? "allowed" : "denied")")

        for shape in LogShape.allCases {
            let log = shape.lines(10_000)
            let replay = LogReplay(judge)
            let time = measure { for _ in 0..<lines / 10_000 { replay.take(log[...]) } }
            let result = replay.finish()
            precondition(result.judged == result.lines && result.lines == lines / 10_000 * 10_000, "\(result.skipped)")
            print(
                "replay, \(shape.rawValue): \(Int(Double(result.lines) / (time / .seconds(1)))) lines/s, "
                    + "\(result.changed) of \(result.lines) change")
        }
    }

    /// Time of the processor, which others on the machine do not lengthen; all of this is one thread.
    private static func measure(_ body: () throws -> Void) rethrows -> Duration {
        let start = processorTime()
        try body()
        return processorTime() - start
    }

    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static func milliseconds(_ time: Duration) -> Int { Int(time / .milliseconds(1)) }
}

/// A file that is there while it is needed.
struct TemporaryFile {
    let path: String
    let size: Int

    init(_ text: String) throws {
        var name = Array("/tmp/policy-bench-XXXXXX.yaml\0".utf8CString.dropLast())
        let descriptor = mkstemps(&name, 5)
        guard descriptor >= 0 else { throw KernelError(code: errno, operation: "make a temporary file") }
        defer { close(descriptor) }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let bytes = Array(text.utf8)
        size = bytes.count
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw KernelError(code: errno, operation: "write a temporary file") }
            written += count
        }
    }

    func remove() { unlink(path) }
}
