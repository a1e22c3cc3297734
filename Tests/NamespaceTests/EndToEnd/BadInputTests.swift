import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("Bad input")
    struct BadInput {
        /// Something wrong with the local configuration, and what the complaint must name.
        struct BadFile: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var yaml: String
            var mentions: [String]
        }
        static let workload = """
            workloads:
              - uid: a
                name: client
                namespace: default
                serviceAccount: client
                trustDomain: cluster.local
                workloadIps: [10.77.0.1]
                services: {}
            """
        static let badFiles = [
            BadFile(
                testDescription: "unknown key", yaml: workload + "\n    waypiont: x\n", mentions: [":9", "waypiont"]),
            BadFile(
                testDescription: "bad address",
                yaml: workload.replacingOccurrences(of: "10.77.0.1", with: "10.77.0.999"),
                mentions: [":7", "10.77.0.999"]),
            BadFile(
                testDescription: "bad port",
                yaml: workload
                    + "\nservices:\n  - {name: s, namespace: d, hostname: h, vips: [], ports: {70000: 80}}\n",
                mentions: [":10", "70000"]),
            BadFile(testDescription: "not YAML", yaml: "workloads: [\n  {\n", mentions: ["mesh.yaml"]),
            BadFile(testDescription: "not a list", yaml: "workloads: 5\n", mentions: [":1", "workloads", "list"]),
            BadFile(
                testDescription: "missing namespace",
                yaml: workload.replacingOccurrences(of: "    namespace: default\n", with: ""),
                mentions: [":2", "namespace"]),
            BadFile(
                testDescription: "bad protocol", yaml: workload + "\n    protocol: QUIC\n",
                mentions: [":9", "QUIC", "HBONE"]),
        ]

        /// Runs `meshctl ztunnel run` in a pod until it ends by itself.
        private func run(_ mesh: Mesh, _ options: [String]) throws -> Outcome {
            try mesh.node("client").outcome(["timeout", "-k", "1", "15", Meshctl.path, "ztunnel", "run"] + options)
        }

        private func expectOneLine(_ outcome: Outcome, status: Int32, mentions: [String]) {
            #expect(outcome.status == status, "\(outcome)")
            #expect(outcome.complaints.count == 1, "\(outcome.errors)")
            for text in mentions { #expect(outcome.errors.contains(text), "\(text) is missing in: \(outcome.errors)") }
        }

        @Test("A bad configuration file is one line with file, line and key, and status 65", arguments: badFiles)
        func badConfiguration(file: BadFile) throws {
            let mesh = try Mesh(pods: ["client"])
            let path = try mesh.write(file.yaml, to: "mesh.yaml")
            let outcome = try run(
                mesh, ["--config", path, "--workload", "default/client/client"] + mesh.issue("client").options)
            expectOneLine(outcome, status: 65, mentions: file.mentions + [path])
        }

        @Test("Files that are not there are status 66")
        func missingFiles() throws {
            let mesh = try Mesh(pods: ["client"])
            let good = try mesh.issue("client")
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let workload = ["--workload", "default/client/client"]
            expectOneLine(
                try run(mesh, ["--config", "/nowhere.yaml"] + workload + good.options), status: 66,
                mentions: ["/nowhere.yaml"])
            for missing in [\Credentials.certificate, \.key, \.roots] {
                var credentials = good
                credentials[keyPath: missing] = "/nowhere.pem"
                expectOneLine(
                    try run(mesh, ["--config", configuration] + workload + credentials.options), status: 66,
                    mentions: ["/nowhere.pem"])
            }
        }

        @Test("Certificates that are none, or do not belong to the key, are status 65")
        func badCertificates() throws {
            let mesh = try Mesh(pods: ["client"])
            let good = try mesh.issue("client")
            let other = try mesh.issue("other")
            let junk = try mesh.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", to: "junk.pem")
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let rest = ["--config", configuration, "--workload", "default/client/client"]
            for wrong in [\Credentials.certificate, \.key, \.roots] {
                var credentials = good
                credentials[keyPath: wrong] = junk
                expectOneLine(try run(mesh, rest + credentials.options), status: 65, mentions: [junk])
            }
            var mixed = good
            mixed.key = other.key
            expectOneLine(try run(mesh, rest + mixed.options), status: 65, mentions: [other.key])
        }

        @Test(
            "Bad options are status 64",
            arguments: [
                ["--workload", "default/client"], ["--threads=-1"], ["--threads", "many"], ["--packet-mark", "x"],
                ["--metrics-port", "70000"], ["--log-format", "xml"], ["--log-level", "loud"], ["--frobnicate"],
            ])
        func badOptions(options: [String]) throws {
            let mesh = try Mesh(pods: ["client"])
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            var all = ["--config", configuration]
            if options.first != "--workload" { all += ["--workload", "default/client/client"] }
            let outcome = try run(mesh, all + mesh.issue("client").options + options)
            #expect(outcome.status == 64, "\(outcome)")
            #expect(outcome.errors.contains(options.last?.split(separator: "=").last ?? ""), "\(outcome.errors)")
        }

        @Test("A workload that the configuration does not have is named")
        func unknownWorkload() throws {
            let mesh = try Mesh(pods: ["client"])
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let outcome = try run(
                mesh, ["--config", configuration, "--workload", "default/nobody/client"] + mesh.issue("client").options)
            #expect([65, 66].contains(outcome.status), "\(outcome)")
            #expect(outcome.errors.contains("default/nobody/client"), "\(outcome.errors)")
        }

        @Test(
            "A port that is taken is named, and nothing keeps running",
            arguments: [15000, 15001, 15006, 15008, 15020, 15021])
        func portTaken(port: Int) throws {
            let mesh = try Mesh(pods: ["client"])
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            try mesh.serve("client", ports: "\(port)")
            let outcome = try run(
                mesh, ["--config", configuration, "--workload", "default/client/client"] + mesh.issue("client").options)
            expectOneLine(outcome, status: 69, mentions: ["\(port)"])
        }

        @Test("A limit of files under which nothing works is named before anything is opened", arguments: [20, 63])
        func fewDescriptors(limit: Int) throws {
            let mesh = try Mesh(pods: ["client"])
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let outcome = try mesh.node("client").outcome(
                [
                    "prlimit", "--nofile=\(limit):\(limit)", "timeout", "-k", "1", "15", Meshctl.path, "ztunnel", "run",
                    "--config", configuration, "--workload", "default/client/client",
                ] + mesh.issue("client").options)
            expectOneLine(outcome, status: 69, mentions: ["\(limit) files", "ulimit -n"])
        }

        @Test("Without privileges redirect says which one is missing, status 77, and changes nothing")
        func redirectUnprivileged() throws {
            let mesh = try Mesh(pods: ["client"])
            let netns = try mesh.node("client").netns
            let outcome = try Outcome.of([
                "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all",
                Meshctl.path, "redirect", "apply", "--netns", netns,
            ])
            expectOneLine(outcome, status: 77, mentions: ["CAP_"])
            #expect(try mesh.node("client").exec("nft", "list", "ruleset").isEmpty)
        }

        static let privileged: [(options: [String], environment: [String: String])] = [
            (["--packet-mark", "1337"], [:]), ([], ["ENABLE_ORIG_SRC": "true"]),
        ]

        @Test("A packet mark or required source addresses, without the privilege, are status 77", arguments: privileged)
        func unprivileged(options: [String], environment: [String: String]) throws {
            let mesh = try Mesh(pods: ["client"])
            let configuration = try mesh.write(mesh.document.yaml, to: "mesh.yaml")
            let credentials = try mesh.issue("client")
            _ = try Outcome.of(["chmod", "-R", "a+rX", mesh.folder.path])
            let outcome = try mesh.node("client").outcome(
                [
                    "timeout", "15", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                    "--bounding-set", "-all", Meshctl.path, "ztunnel", "run", "--config", configuration, "--workload",
                    "default/client/client",
                ] + credentials.options + options, environment: environment)
            expectOneLine(outcome, status: 77, mentions: ["CAP_NET_ADMIN"])
        }

        @Test("A namespace that does not exist is status 66")
        func unknownNamespace() throws {
            let outcome = try Meshctl.run("redirect", "apply", "--netns", "no-such-namespace")
            expectOneLine(outcome, status: 66, mentions: ["no-such-namespace"])
        }
    }
}
