import Foundation
import MeshTestSupport
import Testing

extension EndToEnd {
    @Suite("A log that cannot be written")
    struct LogFaults {
        /// What becomes of standard output. `$0` is a folder of the test's own.
        static let broken = [
            ("a full disk", #"exec "$@" >/dev/full"#),
            ("closed from the start", #"exec "$@" >&-"#),
            ("a reader that goes away", #"exec "$@" > >(head -c 10 >/dev/null)"#),
            ("a reader that does not read", #"exec "$@" > >(exec sleep 60)"#),
        ]

        @Test("does not stop traffic, nor the end of the process", arguments: broken)
        func traffic(what: String, redirection: String) throws {
            let mesh = try Mesh()
            let wrapper = ["bash", "-c", redirection, mesh.folder.path]
            let options = ["--threads", "1", "--log-level", "debug"]
            let client = try mesh.startZtunnel("client", options: options, wrapper: wrapper)
            _ = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            try mesh.serve("server", ports: "7000-7003")
            let target = "\(try mesh.node("server").v4)"
            #expect(try mesh.call("client", "churn", target, "7000-7003", "400", "8").failures == 0)
            let result = try mesh.call("client", "transfer", target, "7000", "1000000", "1000000")
            #expect(result.up == true && result.down == true, "\(what): \(result)")
            client.process.signal(SIGTERM)
            #expect(client.process.wait(seconds: 20) == 0, "\(what): \(client.process.errors)")
        }

        @Test("counts what it lost, and says so when there is room again")
        func counts() throws {
            let mesh = try Mesh()
            let disk = mesh.path("disk")
            _ = try Outcome.of(["mkdir", disk])
            #expect(try Outcome.of(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).status == 0)
            defer { _ = try? Outcome.of(["umount", disk]) }
            let client = try mesh.startZtunnel(
                "client", options: ["--threads", "1"], wrapper: ["bash", "-c", #"exec "$@" >"$0""#, disk + "/log"])
            _ = try mesh.startZtunnel("server")
            try mesh.redirect("client", "server")
            try mesh.serve("server")
            let target = "\(try mesh.node("server").v4)"
            #expect(try Outcome.of(["cp", "/dev/zero", disk + "/full"]).status != 0)
            #expect(try mesh.call("client", "churn", target, "7000", "200", "8").failures == 0)

            #expect(try Outcome.of(["rm", disk + "/full"]).status == 0)

            let lines = try eventually("the count") {
                let lines = try String(contentsOfFile: disk + "/log", encoding: .utf8).split(separator: "\n")
                return lines.contains { $0.contains("lines were lost") } ? lines.compactMap(LogLine.init) : nil
            }
            let lost = lines.compactMap { $0.number("lines") }.reduce(0, +)
            let kept = lines.filter { $0["scope"] == "access" && $0["message"] == "connection complete" }.count
            #expect(lost > 0)
            #expect(lost + kept == 200, "lost \(lost), kept \(kept)")
            #expect(client.process.isRunning)
        }
    }
}
