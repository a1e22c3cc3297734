import Foundation
import MeshCertificates
import MeshCore
import MeshInspect
import Testing

@Suite("Files and folders of certificates")
final class SourceTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "meshctl-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func put(_ name: String, _ bytes: [UInt8]) throws {
        let file = URL(filePath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    private func read(_ inputs: String...) throws -> [CertificateSet] {
        try CertificateSources(doing: "test").read(inputs).map(\.set)
    }

    @Test("files of one folder make one set, named in one go or by their folder")
    func groups() throws {
        for name in ["front.pem", "front.key.pem", "root.pem"] { try put("a/\(name)", Fixture.bytes(name)) }
        try put("b/cart.pem", Fixture.bytes("cart.pem"))
        try put("a/notes.txt", Array("nothing".utf8))
        let named = try read("\(folder)/a/front.pem", "\(folder)/b/cart.pem", "\(folder)/a/front.key.pem")
        #expect(named.map(\.name) == ["\(folder)/a", "\(folder)/b/cart.pem"])
        #expect(named[0].parts.map(\.name) == ["front.pem", "front.key.pem"])
        let whole = try read(folder)
        #expect(whole.map(\.name) == ["\(folder)/a", "\(folder)/b/cart.pem"])
        #expect(whole[0].parts.map(\.name) == ["front.key.pem", "front.pem", "root.pem"])
        #expect(whole[0].parts.map(\.purpose) == [.chain, .chain, .trustBundle])
        #expect(whole[0].parts[0].keys.count == 1)
    }

    @Test("manifests of a folder are read for what they hold, and passed over otherwise")
    func manifests() throws {
        let secret =
            "kind: Secret\nmetadata: {name: a}\ndata: {tls.crt: \(Data(try Fixture.bytes("front.pem")).base64EncodedString())}\n"
        try put("secret.yaml", Array(secret.utf8))
        try put("pod.yaml", Array("kind: Pod\nmetadata: {name: a}\n".utf8))
        try put("broken.pem", Array("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8))
        let sets = try read(folder)
        #expect(sets.map(\.name) == ["\(folder)/broken.pem", "Secret a"])
        #expect(sets[0].parts[0].problems.count == 1)
    }

    @Test("what cannot be read is told by its status")
    func refuses() throws {
        try put("a.pem", Array("nothing".utf8))
        try FileManager.default.createDirectory(atPath: "\(folder)/empty", withIntermediateDirectories: false)
        let cases: [(String, Int32)] = [("missing.pem", 66), ("a.pem", 65), ("empty", 66)]
        for (name, status) in cases {
            let failure = #expect(throws: MeshFailure.self) { try read("\(folder)/\(name)") }
            #expect(failure?.exitStatus == status, "\(name)")
        }
    }

    @Test("a file with the name of an address is a file")
    func files() throws {
        try put("a.example:443", Fixture.bytes("front.pem"))
        #expect(try read("\(folder)/a.example:443").count == 1)
    }

    @Test("a bundle is made of several files")
    func bundle() throws {
        let sources = CertificateSources(doing: "test")
        let bundle = try #require(try sources.bundle([Fixture.path("root.pem"), Fixture.path("other-root.pem")]))
        #expect(bundle.certificates.count == 2 && bundle.purpose == .trustBundle)
        #expect(try sources.bundle([]) == nil)
        #expect(throws: MeshFailure.self) { try sources.bundle([Fixture.path("front.key.pem")]) }
    }
}
