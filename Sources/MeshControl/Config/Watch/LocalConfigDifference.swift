import MeshCore
package import MeshState

extension LocalConfig {
    /// What turns a mesh with these records into one with those of `next`. Removals first, so that an address that
    /// moves from one record to another ends at its new owner.
    ///
    /// Records of `next` that say what one of ours says become that one: a store keeps those that do not change, and they
    /// would be held twice.
    package func changes(to next: inout LocalConfig) -> [MeshChange] {
        var changes: [MeshChange] = []
        var removed: [MeshChange] = []
        Self.compare(services, &next.services, by: \.key, { $0.fields == $1.fields }) { old, new in
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
        Self.compare(workloads, &next.workloads, by: \.uid, { $0.fields == $1.fields }) { old, new in
            if let new { changes.append(.workload(new)) } else if let old { removed.append(.removeAddress(old.uid)) }
        }
        Self.compare(policies, &next.policies, by: \.key, { $0 == $1 }) { old, new in
            if let new { changes.append(.policy(new)) } else if let old { removed.append(.removePolicy(old.key)) }
        }
        return removed + changes
    }

    /// Calls `body` with what was removed (the second is nil), added (the first is nil) or changed; puts the old record
    /// in the place of a new one that is the same.
    private static func compare<Record, Key: Hashable>(
        _ old: [Record], _ new: inout [Record], by key: KeyPath<Record, Key>, _ isSame: (Record, Record) -> Bool,
        _ body: (Record?, Record?) -> Void
    ) {
        // Most files are edited in place: what stands where it stood, and says the same, needs no table.
        var start = 0
        while start < min(old.count, new.count), isSame(old[start], new[start]) {
            new[start] = old[start]
            start += 1
        }
        var rest: [Key: Record] = Dictionary(minimumCapacity: old.count - start)
        for record in old[start...] { rest[record[keyPath: key]] = record }
        for index in start..<new.count {
            let before = rest.removeValue(forKey: new[index][keyPath: key])
            if let before, isSame(before, new[index]) {
                new[index] = before
            } else {
                body(before, new[index])
            }
        }
        // In the order of the file.
        for record in old[start...] where rest[record[keyPath: key]] != nil { body(record, nil) }
    }
}
