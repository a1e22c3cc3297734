import Foundation
import Logging
import MeshControl
import MeshCore
import MeshState
import Testing

extension LocalConfigWatcherTests {
    private static let pods = """
        {apiVersion: v1, kind: List, items: [
          {apiVersion: v1, kind: Pod, metadata: {name: w1, namespace: ns, labels: {app: one}}},
          {apiVersion: v1, kind: Pod, metadata: {name: w2, namespace: ns, labels: {app: two}}}]}

        """

    private static func deny(_ name: String, _ app: String, _ port: Int = 80) -> String {
        """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: \(name), namespace: ns}
        spec:
          selector: {matchLabels: {app: \(app)}}
          action: DENY
          rules: [{to: [{operation: {ports: ["\(port)"]}}]}]

        """
    }

    private static let workloads = """
        workloads:
        - {name: w1, namespace: ns, workloadIps: [10.0.0.1], protocol: HBONE}
        - {name: w2, namespace: ns, workloadIps: [10.0.0.2], protocol: HBONE}

        """

    private static func prepare(_ folder: URL) throws {
        try Data(workloads.utf8).write(to: folder.appending(path: "mesh.yaml"))
        let policies = folder.appending(path: "policies")
        try FileManager.default.createDirectory(at: policies, withIntermediateDirectories: true)
        try Data(pods.utf8).write(to: policies.appending(path: "pods.yaml"))
    }

    @Test("manifests are followed: files that come, change, move to a new folder and go")
    func manifests() async throws {
        try await watching(own: "w1", prepare: Self.prepare) { world in
            try world.write(Self.deny("a", "one"), to: "a.yaml")
            let first = try await world.update()
            #expect(names(first) == ["+w1", "+ns/a"])
            #expect(first.snapshot.workload(uid: "//Pod/ns/w1")?.fields.authorizationPolicies == ["ns/a"])
            #expect(first.origins.places["ns/a"]?.places.first?.hasSuffix("policies/a.yaml:1:1") == true)

            try world.write(Self.deny("a", "two"), to: "a.yaml")
            #expect(names(try await world.update()) == ["+w1", "+w2"])

            try world.write(Self.deny("b", "one"), to: "deep/er/b.yaml")
            #expect(names(try await world.update()) == ["+w1", "+ns/b"])
            try world.write(Self.deny("b", "one", 81), to: "deep/er/b.yaml")
            #expect(names(try await world.update()) == ["+ns/b"])

            try FileManager.default.removeItem(at: world.folder.appending(path: "policies/deep"))
            #expect(names(try await world.update()) == ["-ns/b", "+w1"])
        }
    }

    @Test("a line more above a policy changes where it was written, and nothing else")
    func movedPolicy() async throws {
        try await watching(own: "w1", prepare: Self.prepare) { world in
            try world.write(Self.deny("a", "one"), to: "a.yaml")
            #expect(names(try await world.update()) == ["+w1", "+ns/a"])
            try world.write("# why\n" + Self.deny("a", "one"), to: "a.yaml")
            let moved = try await world.update()
            #expect(moved.changes.isEmpty)
            #expect(moved.origins.places["ns/a"]?.places.first?.hasSuffix("a.yaml:2:1") == true)
        }
    }

    @Test(
        "manifests that are broken, empty or say too little change nothing, and why is told with its place",
        arguments: [
            (
                "x.yaml",
                "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: x}, sepc: {}}\n",
                "x.yaml:1:"
            ),
            ("x.yaml", "", "x.yaml:1:1: error: it holds no object"),
            ("a.yaml", "", "a.yaml:1:1: error: it holds no object"),
            ("a.yaml", "{apiVersion: v1, kind: List, items: [", "a.yaml:"),
            ("pods.yaml", "{apiVersion: v1, kind: List}\n", "add Pod ns/w1"),
        ])
    func brokenManifests(file: String, text: String, complaint: String) async throws {
        try await watching(own: "w1", prepare: Self.prepare) { world in
            try world.write(Self.deny("a", "one"), to: "a.yaml")
            #expect(names(try await world.update()) == ["+w1", "+ns/a"])
            try world.write(text, to: file)
            let (level, line) = try await world.line()
            #expect(level == .error && line.contains("stays in force") && line.contains(complaint), "\(line)")
            // Mended, only what is new is a change: nothing was lost meanwhile.
            try world.write(Self.pods, to: "pods.yaml")
            try world.write(Self.deny("a", "one"), to: "a.yaml")
            try world.write(Self.deny("x", "two"), to: "x.yaml")
            #expect(try await world.line().1.contains("usable again"))
            #expect(names(try await world.update()) == ["+w2", "+ns/x"])
        }
    }

    @Test("what a policy asks for and node proxies do not do is told once")
    func warnings() async throws {
        try await watching(own: "w1", prepare: Self.prepare) { world in
            let odd = Self.deny("a", "one").replacing("ports: [\"80\"]", with: "methods: [GET]")
            try world.write(odd, to: "a.yaml")
            let (level, line) = try await world.line()
            #expect(level == .warning && line.contains("a.yaml:7:") && line.contains("it denies nobody"), "\(line)")
            #expect(names(try await world.update()) == ["+w1", "+ns/a"])
            try world.write(Self.deny("b", "two").replacing("ports: [\"80\"]", with: "methods: [GET]"), to: "b.yaml")
            #expect(try await world.line().1.contains("b.yaml:7:"))
        }
    }

    @Test("a folder whose files are links is followed to where they lead")
    func linkedManifests() async throws {
        func prepare(_ folder: URL) throws {
            try Self.prepare(folder)
            let elsewhere = folder.appending(path: "elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            try Data(Self.deny("a", "one").utf8).write(to: elsewhere.appending(path: "a.yaml"))
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "policies/a.yaml").path, withDestinationPath: "../elsewhere/a.yaml")
        }
        try await watching(own: "w1", prepare: prepare) { world in
            try Data(Self.deny("a", "one", 81).utf8).write(to: world.folder.appending(path: "elsewhere/a.yaml"))
            #expect(names(try await world.update()) == ["+ns/a"])
        }
    }
}
