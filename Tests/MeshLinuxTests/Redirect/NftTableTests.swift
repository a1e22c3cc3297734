import Foundation
import MeshCore
import Testing

@testable import MeshLinux

@Suite("What nftables prints")
struct NftTableTests {
    /// `nft -j list ruleset` of nftables 1.0.6 on Linux 6.18, after the plan with DNS, IPv6 and interface en0ps1.
    static let printed: String = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/nft/ruleset.json")
        return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }()

    private func plan() throws -> RedirectPlan {
        var options = RedirectOptions()
        options.dns = true
        options.virtualInterfaces = [try InterfaceName(parsing: "en0ps1")]
        return RedirectPlan(options)
    }

    @Test("reads back as the plan that was written")
    func roundTrip() throws {
        let tables = try NftTable.list(json: Self.printed)
        #expect(tables.map(\.name) == ["istio-ambient-nat", "istio-ambient-mangle", "istio-ambient-raw"])
        for table in try plan().tables {
            let actual = tables.first { $0.name == table.name }
            #expect(table.differences(from: actual) == [])
            #expect(actual?.comments == ["meshctl"])
        }
    }

    /// What other versions of nft, and of the kernel, print for the same rules.
    static let spellings: [(String, String)] = [
        ("4294963473", "4294963200"),
        (
            #"{"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "127.0.0.1"}}"#,
            #"{"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}, "#
                + #"{"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "127.0.0.1"}}"#
        ),
        (
            #"{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 15008}}"#,
            #"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}, "#
                + #"{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 15008}}"#
        ),
        (#""packets": 0, "bytes": 0"#, #""packets": 17, "bytes": 2048"#),
        (#""comment": "meshctl", "#, ""),
    ]

    @Test("other spellings of the same rules are the same", arguments: spellings)
    func spelled(old: String, new: String) throws {
        #expect(Self.printed.contains(old))
        let tables = try NftTable.list(json: Self.printed.replacing(old, with: new))
        for table in try plan().tables {
            #expect(table.differences(from: tables.first { $0.name == table.name }) == [])
        }
    }

    static let changes: [(String, String, RedirectDifference.Kind)] = [
        (#""type": "route""#, #""type": "filter""#, .different),
        (#""prio": -150"#, #""prio": -149"#, .different),
        (#""policy": "accept""#, #""policy": "drop""#, .different),
        ("15006", "15007", .missing),
        ("1337", "1338", .missing),
        ("4095", "255", .missing),
        (#""169.254.7.127""#, #""169.254.7.126""#, .missing),
        (#"{"redirect": {"port": 15001}}"#, #"{"redirect": {"port": 15001, "flags": "random"}}"#, .missing),
        (#"{"accept": null}"#, #"{"drop": null}"#, .extra),
        (#"{"return": null}"#, #"{"queue": {"num": 1}}"#, .extra),
        (#""key": "zone""#, #""key": "zones""#, .extra),
    ]

    @Test("what is not the same is found", arguments: changes)
    func changed(old: String, new: String, kind: RedirectDifference.Kind) throws {
        #expect(Self.printed.contains(old))
        let tables = try NftTable.list(json: Self.printed.replacing(old, with: new))
        let found = try plan().tables.flatMap { table in table.differences(from: tables.first { $0.name == table.name })
        }
        #expect(found.contains { $0.kind == kind })
    }

    @Test("the order of rules matters")
    func order() throws {
        let table = try #require(plan().tables.first)
        var swapped = table
        swapped.chains[3].rules.swapAt(0, 4)
        #expect(table.differences(from: swapped).map(\.kind).contains(.missing))
    }

    @Test("no part of the text is read as the whole")
    func truncated() {
        let text = Array(Self.printed.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
        #expect(text.count > 1000)
        for length in stride(from: 0, to: text.count, by: 7) {
            #expect(throws: NftError.self) {
                try NftTable.list(json: String(decoding: text.prefix(length), as: UTF8.self))
            }
        }
    }

    @Test(
        "answers of another shape are refused",
        arguments: [
            "[]", "{}", #"{"nftables": 1}"#, #"{"nftables": [{"table": {"family": "inet"}}]}"#,
            #"{"nftables": [{"rule": {"family": "inet", "table": "t", "chain": "c", "expr": []}}]}"#,
        ])
    func refused(text: String) { #expect(throws: NftError.self) { try NftTable.list(json: text) } }

    static let complaints: [(String, NftError)] = [
        ("Error: Could not process rule: Operation not permitted\nadd table inet x\n^^^^\n", .denied),
        (
            "Error: Could not process rule: No such file or directory\nadd rule x\n         ^^\n",
            .unsupported("Error: Could not process rule: No such file or directory / add rule x")
        ),
        (
            "Error: cache initialization failed: Invalid argument\n",
            .unsupported("Error: cache initialization failed: Invalid argument")
        ),
        ("Error: syntax error\nbla\n~~~^\n", .refused("Error: syntax error / bla")),
    ]

    @Test("complaints are told apart", arguments: complaints)
    func complains(text: String, error: NftError) { #expect(Nftables.error(text) == error) }
}
