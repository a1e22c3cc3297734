/// Runs `body` and gives it up when it takes longer. `body` must end soon after it was cancelled.
func withDeadline<T: Sendable>(
    _ limit: Duration, _ body: @Sendable @escaping () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw KubernetesError.timeout(limit) }
        return value
    }
}
