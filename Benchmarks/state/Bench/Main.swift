import Glibc
import MeshControl
import MeshCore
import MeshLinux
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
        workloads = []
        try reload(arguments[1], snapshot)
    }

    /// What a thread that looks up services notices of the file being read again.
    private static func reload(_ file: String, _ snapshot: MeshSnapshot) throws {
        let reader = Reader()
        let thread = try KernelThread.start("reader") { reader.run(snapshot) }
        var held = snapshot
        for (name, reloads) in [("undisturbed", false), ("file read again", true)] {
            _ = reader.take(nil)
            let end = ContinuousClock.now + .seconds(3)
            var times = Reader.Times()
            repeat {
                guard reloads else { continue }
                let next = try LocalConfig.load(file: file).store(localNode: "node-0001").snapshot
                times.add(reader.take(next))
                // The one before is freed here, as by the control plane.
                held = next
            } while ContinuousClock.now < end
            times.add(reader.take(held))
            print(
                "look-up        all but 0.01 % within \(times.enough(allBut: 0.0001)) ns, "
                    + "longest \(times.longest / 1000) µs, \(name)")
        }
        reader.stop()
        thread.join()
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
