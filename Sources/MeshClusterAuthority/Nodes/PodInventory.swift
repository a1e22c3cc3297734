import FoundationEssentials
package import Logging
import MeshCA
package import MeshCore
import MeshYAML
import Synchronization

/// The pods of a file, for a mesh without an API server.
///
/// Shape: Kubernetes YAML or JSON as `kubectl get pods -A -o yaml` writes it: Pod documents, or a List of them. Of a pod
/// count namespace, name, uid, service account, node, phase and deletion.
///
/// The file is looked at when a request comes, not by a timer: a change counts from the next request on. A file that
/// cannot be used leaves the pods as they were and is reported once for each of its versions.
package final class PodInventory: PodDirectory {
    private struct State {
        var pods: [String: PodFacts] = [:]
        var places: [PodPlace: [PodFacts]] = [:]
        var stamp: FileStamp?

        init(_ found: [PodFacts], _ stamp: FileStamp?) throws(Problem) {
            self.stamp = stamp
            for pod in found {
                guard pods.updateValue(pod, forKey: "\(pod.namespace)/\(pod.name)") == nil else {
                    throw Problem(description: "pod \(pod.namespace)/\(pod.name) stands twice in the inventory")
                }
                if let place = pod.place { places[place, default: []].append(pod) }
            }
        }
    }

    /// Bytes of the file.
    private static let limit = 64 << 20

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: `.usage`: there are no earlier pods to fall back to.
    package init(path: String, logger: Logger) throws(MeshFailure) {
        self.path = path
        self.logger = logger
        let (stamp, pods) = Self.read(path)
        do {
            state = Mutex(try State(pods.get(), stamp))
        } catch {
            throw MeshFailure(.usage, doing: "read the inventory of pods", reason: "\(error)")
        }
    }

    package var obstacle: String? { nil }

    package func pod(namespace: String, name: String) -> PodFacts? { current { $0.pods["\(namespace)/\(name)"] } }
    package func pods(at place: PodPlace) -> [PodFacts] { current { $0.places[place] ?? [] } }
    package func reload() { state.withLock { read(&$0) } }

    private func current<T: Sendable>(_ body: (State) -> T) -> T {
        state.withLock { state in
            if FileStamp(path: path) != state.stamp { read(&state) }
            return body(state)
        }
    }

    private func read(_ state: inout State) {
        let (stamp, pods) = Self.read(path)
        do {
            state = try State(pods.get(), stamp)
            logger.info("pods reloaded", metadata: ["file": "\(path)", "count": "\(state.pods.count)"])
        } catch {
            state.stamp = stamp
            logger.error(
                "pods not reloaded, the earlier ones stay", metadata: ["file": "\(path)", "reason": "\(error)"])
        }
    }

    private struct Problem: Error, CustomStringConvertible { let description: String }

    private static func read(_ path: String) -> (FileStamp?, Result<[PodFacts], any Error>) {
        let bytes: [UInt8]
        let stamp: FileStamp
        do { (bytes, stamp) = try FileReading.bytes(path, limit: limit) } catch {
            return (FileStamp(path: path), .failure(error))
        }
        return (
            stamp,
            Result {
                let reader = try YAMLReader(bytes, name: path)
                var pods: [PodFacts] = []
                while let document = try reader.next() { try read(document, into: &pods) }
                return pods
            }
        )
    }

    private static func read(_ node: YAMLNode, into pods: inout [PodFacts]) throws {
        if node.isNull { return }
        guard node.kind == .mapping else { throw node.error("a pod is a mapping") }
        switch node["kind"]?.text {
        case "Pod"?: pods.append(try pod(node))
        case "List"?, "PodList"?:
            for item in node["items"]?.elements.map({ $0 }) ?? [] {
                // The items of a PodList need not say what they are.
                guard item["kind"].map({ $0.text == "Pod" }) ?? (node["kind"]?.text == "PodList") else {
                    throw item.error("only pods belong into an inventory")
                }
                pods.append(try pod(item))
            }
        default: throw node.error("kind is neither Pod nor List; only pods belong into an inventory")
        }
    }

    private static func pod(_ node: YAMLNode) throws -> PodFacts {
        func text(_ group: YAMLNode?, _ key: StaticString) -> String? {
            guard let value = group?[key], value.kind == .scalar, !value.isNull, !value.text.isEmpty else { return nil }
            return value.text
        }
        let (metadata, spec) = (node["metadata"], node["spec"])
        guard let namespace = text(metadata, "namespace") else { throw node.error("metadata.namespace is missing") }
        guard let name = text(metadata, "name") else { throw node.error("metadata.name is missing") }
        let phase = text(node["status"], "phase")
        var goneBy: Int64?
        if let deletion = text(metadata, "deletionTimestamp") {
            guard let date = try? Date(deletion, strategy: .iso8601) else {
                throw node.error(
                    "metadata.deletionTimestamp \"\(deletion)\" is not a time such as 2026-01-31T12:00:00Z")
            }
            goneBy = Int64(date.timeIntervalSince1970.rounded(.down))
        }
        return PodFacts(
            namespace: namespace, name: name, uid: text(metadata, "uid") ?? "",
            account: text(spec, "serviceAccountName") ?? "default", node: text(spec, "nodeName"),
            hasEnded: phase == "Succeeded" || phase == "Failed", goneBy: goneBy)
    }
}
