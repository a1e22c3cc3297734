import FakeAPIServer
import Foundation
import MeshKubernetesAPI
import Synchronization

/// Waits that take no time and are remembered.
final class Pauses: Sendable {
    private let kept = Mutex<[Duration]>([])
    var all: [Duration] { kept.withLock { $0 } }

    var pause: KubernetesClient.Pause {
        { duration in
            self.kept.withLock { $0.append(duration) }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}

/// Limits under which no test waits for long.
var quick: ClientLimits {
    var limits = ClientLimits()
    limits.callTimeout = .seconds(20)
    return limits
}

@discardableResult
func withClient<T: Sendable>(
    _ access: ClusterAccess, limits: ClientLimits = quick, pauses: Pauses = Pauses(),
    _ body: (KubernetesClient) async throws -> T
) async throws -> T {
    try await KubernetesClient.with(access, limits: limits, pause: pauses.pause, body)
}

func pod(_ namespace: String, _ name: String, version: Int, node: String = "n1", account: String = "default") -> String
{
    #"{"metadata":{"namespace":"\#(namespace)","name":"\#(name)","uid":"uid-\#(name)","resourceVersion":"\#(version)"},"#
        + #""spec":{"nodeName":"\#(node)","serviceAccountName":"\#(account)","containers":[{"x":[1,2.5,null]}]},"#
        + #""status":{"phase":"Running"}}"#
}

func list(_ items: [String], version: Int, next: String = "") -> String {
    #"{"kind":"PodList","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"#
        + #""items":[\#(items.joined(separator: ","))]}"#
}

func event(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# + "\n" }
func bookmark(_ version: Int) -> String { event("BOOKMARK", #"{"metadata":{"resourceVersion":"\#(version)"}}"#) }
