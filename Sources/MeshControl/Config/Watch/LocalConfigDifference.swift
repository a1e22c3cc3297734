import MeshCore
package import MeshState

extension LocalConfig {
    /// What turns a mesh with these records into one with those of `next`. Removals first, so that an address that
    /// moves from one record to another ends at its new owner.
    package func changes(to next: LocalConfig) -> [MeshChange] {
        var changes: [MeshChange] = []
        var removed: [MeshChange] = []
        Self.compare(services, next.services, by: \.key, { $0.fields == $1.fields }) { old, new in
            if let new {
                changes.append(.service(new))
            } else if let old {
                removed.append(.removeAddress("\(old.key)"))
            }
            // Endpoints that the file no longer names would stay: a service keeps those that it has.
            if let old, let new, !old.fields.endpoints.keys.allSatisfy({ new.fields.endpoints[$0] != nil }) {
                removed.append(.removeAddress("\(old.key)"))
            }
        }
        Self.compare(workloads, next.workloads, by: \.uid, { $0.fields == $1.fields }) { old, new in
            if let new { changes.append(.workload(new)) } else if let old { removed.append(.removeAddress(old.uid)) }
        }
        Self.compare(policies, next.policies, by: \.key, { $0 == $1 }) { old, new in
            if let new { changes.append(.policy(new)) } else if let old { removed.append(.removePolicy(old.key)) }
        }
        return removed + changes
    }

    /// Calls `body` with what was removed (the second is nil), added (the first is nil) or changed.
    private static func compare<Record, Key: Hashable>(
        _ old: [Record], _ new: [Record], by key: KeyPath<Record, Key>, _ isSame: (Record, Record) -> Bool,
        _ body: (Record?, Record?) -> Void
    ) {
        // Most files are edited in place: what stands where it stood, and says the same, needs no table.
        var start = 0
        while start < min(old.count, new.count), isSame(old[start], new[start]) { start += 1 }
        var rest: [Key: Record] = Dictionary(minimumCapacity: old.count - start)
        for record in old[start...] { rest[record[keyPath: key]] = record }
        for record in new[start...] {
            let before = rest.removeValue(forKey: record[keyPath: key])
            if let before, isSame(before, record) { continue }
            body(before, record)
        }
        // In the order of the file.
        for record in old[start...] where rest[record[keyPath: key]] != nil { body(record, nil) }
    }
}
