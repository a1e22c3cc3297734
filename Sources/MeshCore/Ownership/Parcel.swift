import Synchronization

/// A value on its way to its next owner, through closures and settings that may outlive it.
///
/// What a closure of a task or thread captures lives as long as that one runs; what comes in a parcel, as long as whoever
/// took it wants.
package final class Parcel<Value: Sendable>: Sendable {
    private let content: Mutex<Value?>

    package init(_ value: Value) { content = Mutex(value) }

    /// The value, for whoever asks first.
    package func take() -> Value? { content.withLock { $0.take() } }
}
