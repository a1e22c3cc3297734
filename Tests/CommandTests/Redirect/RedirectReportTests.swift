import ArgumentParser
import MeshCore
import MeshLinux
import MeshReport
import Testing

@testable import MeshCommands

@Suite("Reports of meshctl redirect")
struct RedirectReportTests {
    private func text(_ report: some Report, _ format: OutputFormat = .text) throws -> String {
        try format.render(report, style: TextStyle(colour: false))
    }

    private static let outcome = RedirectOutcome(
        steps: [
            .rules(
                tables: ["istio-ambient-nat", "istio-ambient-raw"],
                commands: RedirectPlan(.init()).natCommands + ["add table inet istio-ambient-raw"]),
            .addRoute(RedirectPlan.route(.v6)), .addRule(RedirectPlan.rule(.v4)),
        ], kept: ["route local 0.0.0.0/0 dev lo table 100, not made by meshctl"], dryRun: false)

    @Test("say what was changed and what was kept")
    func changed() throws {
        let report = RedirectOutcomeReport(Self.outcome, target: .name("pod1"), verb: .apply)
        #expect(
            try text(report) == """
                redirection applied in network namespace pod1
                  write table inet istio-ambient-nat, delete table inet istio-ambient-raw
                  add route local ::/0 dev lo table 100
                  add ipv4 rule fwmark 0x111/0xfff pref 32764 lookup 100
                  kept route local 0.0.0.0/0 dev lo table 100, not made by meshctl

                """)
        #expect(report.changed)
    }

    @Test("say so when there is nothing to do")
    func nothing() throws {
        let none = RedirectOutcome(steps: [], kept: [], dryRun: true)
        #expect(
            try text(RedirectOutcomeReport(none, target: .pid(7), verb: .apply))
                == "nothing to change: redirection is in place in network namespace of process 7\n")
        #expect(
            try text(RedirectOutcomeReport(none, target: .name("a"), verb: .remove), .json) == """
                {
                  "changed" : false,
                  "dryRun" : true,
                  "kept" : [

                  ],
                  "namespace" : "a",
                  "steps" : [

                  ]
                }

                """)
    }

    @Test("a namespace that cannot be looked at is an answer with status 2")
    func unknown() throws {
        let command = try #require(
            try RedirectCommand.parseAsRoot(["verify", "--netns", "no-such-namespace"]) as? RedirectVerify)
        let report = command.check(RedirectPlan(.init()), "verify")
        #expect(report.exitStatus == 2)
        #expect(
            try text(report) == """
                cannot tell whether redirection is in place in network namespace no-such-namespace
                  unknown namespace: no network namespace no-such-namespace: looked for /run/netns/no-such-namespace and \
                /var/run/netns/no-such-namespace; `ip netns` lists the named ones

                """)
    }

    @Test("live is sent, not sent, or left open")
    func live() throws {
        func value(_ flags: [String]) throws -> Bool? {
            try (RedirectCommand.parseAsRoot(["verify"] + flags) as? RedirectVerify)?.live
        }
        #expect(try value([]) == nil)
        #expect(try value(["--live"]) == true)
        #expect(try value(["--no-live"]) == false)
    }
}

extension RedirectPlan {
    fileprivate var natCommands: [String] { tables.first?.commands ?? [] }
}
