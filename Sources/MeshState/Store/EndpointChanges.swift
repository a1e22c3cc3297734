import HashTreeCollections
import MeshCore

/// What a batch says of endpoints, in its order. Services are told at the end of the batch, each once.
struct EndpointChanges {
    enum Change {
        case put(Endpoint)
        case remove
        /// The record of the workload is a new one; whatever endpoint there is stays.
        case rejoin
    }

    struct Entry {
        let uid: String
        let change: Change
    }

    /// Of the service that was named first: mostly the only one.
    private var firstKey: NamespacedHostname?
    private var first: [Entry] = []
    private var others: [NamespacedHostname: [Entry]] = [:]

    mutating func append(_ uid: String, of key: NamespacedHostname, _ change: Change) {
        let entry = Entry(uid: uid, change: change)
        if firstKey == nil { firstKey = key }
        if firstKey == key { first.append(entry) } else { others[key, default: []].append(entry) }
    }

    func forEach(_ body: (NamespacedHostname, [Entry]) -> Void) {
        if let firstKey { body(firstKey, first) }
        for (key, entries) in others { body(key, entries) }
    }
}
