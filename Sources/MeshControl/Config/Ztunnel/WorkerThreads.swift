/// How many worker threads to run.
///
/// Source: spec of the node proxy, section 2.
struct WorkerThreads {
    /// `ZTUNNEL_WORKER_THREADS`: a number, 0 for all CPUs, or a share of them.
    enum Wish: Equatable {
        case count(Int)
        case percent(Double)
    }

    var wish: Wish?
    /// `concurrency` of the mesh configuration; 0 means all CPUs.
    var concurrency: Int?
    /// `ZTUNNEL_CPU_LIMIT`.
    var cpuLimit: Int?
    /// `ZTUNNEL_RESOURCE_CPU_LIMIT` and `_REQUEST`, rounded up.
    var resourceLimit: Int?
    var resourceRequest: Int?
    /// CPUs of the machine that we may use.
    var detected = 1

    private var cpus: Int { resourceLimit ?? cpuLimit ?? detected }

    var count: Int {
        let count =
            switch wish {
            case .count(0): cpus
            case .count(let count): count
            case .percent(let percent): Int((Double(cpus) * percent / 100).rounded(.up))
            case nil: concurrency.map { $0 == 0 ? cpus : $0 } ?? automatic
            }
        return max(1, count)
    }

    private var automatic: Int {
        if let resourceLimit { return max(resourceLimit, resourceRequest ?? 0) }
        return max(Int((Double(cpus) * 0.25).rounded(.up)), resourceRequest ?? 0, 2)
    }

    static func wish(_ text: String) -> Wish? {
        guard text.last == "%" else { return Int(text).flatMap { (0...4096).contains($0) ? .count($0) : nil } }
        return Double(text.dropLast()).flatMap { $0 > 0 && $0 <= 100 ? .percent($0) : nil }
    }

    /// `2`, `1.5` or `500m`, in CPUs rounded up.
    static func cpus(_ text: String) -> Int? {
        let isMilli = text.last == "m"
        guard let value = Double(isMilli ? text.dropLast() : text[...]), value > 0,
            value <= (isMilli ? 4_096_000 : 4096)
        else { return nil }
        return Int((isMilli ? value / 1000 : value).rounded(.up))
    }
}
