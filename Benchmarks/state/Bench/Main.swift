import Glibc
import LocalConfiguration
import MeshCore
import MeshState

@main
enum Main {
    /// `state-bench FILE [updates]`
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("usage: state-bench FILE [updates, default 200000]")
            exit(64)
        }
        let updates = arguments.count > 2 ? Int(arguments[2]) ?? 200_000 : 200_000
        let clock = ContinuousClock()
        let idle = memory("VmRSS")
        var workloads: [Workload] = []
        var store = MeshStore()
        let reading = try clock.measure { workloads = try LocalConfig.load(file: arguments[1]).workloads }
        workloads = []
        let loading = try clock.measure {
            store = try LocalConfig.load(file: arguments[1]).store(localNode: "node-0001")
        }
        let snapshot = store.snapshot
        print("records        \(snapshot.workloadCount) workloads, \(snapshot.serviceCount) services")
        print("read           \(reading)")
        print("read and store \(loading)")
        print("memory         \(memory("VmRSS")) MiB, at most \(memory("VmHWM")) MiB, \(idle) MiB before")

        workloads = Array(snapshot.allWorkloads)
        var picked = 0
        for (name, publishes) in [("", false), (", a snapshot after each", true)] {
            var held = store.snapshot
            let time = clock.measure {
                for number in 0..<updates {
                    // A prime step visits services in no order, as updates of a cluster do.
                    picked = (picked + 48_611) % workloads.count
                    var fields = workloads[picked].fields
                    fields.capacity = UInt32(2 + number % 7)
                    fields.status = number % 10 == 0 ? .unhealthy : .healthy
                    let workload = Workload(fields)
                    workloads[picked] = workload
                    _ = store.apply(CollectionOfOne(.workload(workload)))
                    if publishes { held = store.snapshot }
                }
            }
            print("updates/s      \(Int(Double(updates) / (time / .seconds(1))))\(name)")
            precondition(held.workloadCount == snapshot.workloadCount)
        }
    }

    /// MiB, from /proc/self/status.
    private static func memory(_ key: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return (Int(text.filter { $0.isNumber }) ?? 0) / 1024
        }
        return 0
    }
}
