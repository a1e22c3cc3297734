import Glibc
import MeshCore
import MeshLinux
import MeshPolicy
import MeshState
import Synchronization
import Testing

@testable import MeshProxy

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("A CONNECT from another proxy", .serialized)
struct ConnectRequestTests {
    private static func connect(_ authority: String, _ more: (String, String)...) -> [(name: String, value: String)] {
        [(":method", "CONNECT"), (":authority", authority)] + more.map { ($0.0, $0.1) }
    }

    /// An application that takes connections and never answers.
    private func application() throws -> Application { try Application() }

    @Test("86: another method is answered 400")
    func method() throws {
        let mesh = try LoopbackMesh()
        let headers = [
            (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "127.0.0.1:80"),
        ].map { (name: $0.0, value: $0.1) }
        #expect(try mesh.request(headers).status == 400)
        #expect(mesh.inbound.isEmpty)
    }

    @Test(
        "86: an authority without a port, or that is none, is answered 400",
        arguments: ["127.0.0.1", "host", "[::1]", "127.0.0.1:port", "127.0.0.1:99999"])
    func authority(text: String) throws {
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect(text)).status == 400)
        #expect(mesh.inbound.isEmpty)
    }

    @Test("78: the address of another workload is answered 400")
    func mismatch() throws {
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect("10.0.0.9:80")).status == 400)
        #expect(mesh.inbound.isEmpty)
    }

    @Test("87: a port of the proxy itself is answered 503")
    func selfCall() throws {
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect("127.0.0.1:15006")).status == 503)
        #expect(mesh.inbound.isEmpty)
    }

    @Test("88: what no policy allows is answered 401, and counted as denied")
    func denied() throws {
        var match = AuthorizationPolicy.Match()
        match.principals = [.exact("cluster.local/ns/web/sa/other")]
        let policy = AuthorizationPolicy(
            name: "others", namespace: "shop", scope: .namespace, action: .allow,
            rules: [.init(clauses: [.init(matches: [match])])])
        let mesh = try LoopbackMesh(policies: [policy])
        #expect(try mesh.request(Self.connect("127.0.0.1:80")).status == 401)
        #expect(mesh.inbound.map { $0.closed(.deny) } == [1])
    }

    @Test("89: an application that does not listen is answered 503: opened, closed and failed once")
    func notListening() throws {
        let unused = try application()
        Kernel.close(unused.descriptor)
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect("\(unused.address)")).status == 503)
        let series = try #require(mesh.inbound.first)
        #expect(series.opened.load(ordering: .relaxed) == 1)
        #expect(ResponseFlag.allCases.filter { series.closed($0) > 0 } == [.connect])
        #expect(series.closed(.connect) == 1)
    }

    @Test("93: an answer carries our baggage, unless that is off; a refusal never does", arguments: [true, false])
    func responseBaggage(isOn: Bool) throws {
        let application = try application()
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh { $0.responseBaggage = isOn }
        mesh.announce("k8s.namespace.name=shop")
        let answer = try mesh.request(Self.connect("\(application.address)"))
        #expect(answer.status == 200)
        #expect(answer.baggage == (isOn ? "k8s.namespace.name=shop" : ""))
        #expect(try mesh.request(Self.connect("10.0.0.9:80")).baggage.isEmpty)
    }

    private static let baggage = ("baggage", "k8s.namespace.name=far,k8s.deployment.name=remote")

    /// The namespace of whom the proxy takes for the source of a connection.
    private func source(
        _ more: (String, String)..., network: String = "", configure: (inout ProxyConfig) -> Void = { _ in }
    ) throws -> String? {
        let application = try application()
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh(network: network, configure: configure)
        let headers = Self.connect("\(application.address)") + more.map { (name: $0.0, value: $0.1) }
        #expect(try mesh.request(headers).status == 200)
        let labels = mesh.inbound.first?.labels.head.split(separator: ",") ?? []
        let name = "source_workload_namespace="
        return labels.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count + 1).dropLast()) }
    }

    @Test("94: baggage is not read where it is off")
    func baggageOff() throws {
        #expect(try source(Self.baggage, ("x-forwarded-network", "far")) == "far")
        #expect(try source(Self.baggage, ("x-forwarded-network", "far")) { $0.responseBaggage = false } == "unknown")
    }

    @Test("95: the source is who has the address, unless the request comes from another network")
    func forwardedNetwork() throws {
        #expect(try source(Self.baggage) == "shop")
        #expect(try source(Self.baggage, ("x-forwarded-network", "")) == "shop")
        #expect(try source(Self.baggage, ("x-forwarded-network", "far")) == "far")
    }

    @Test(
        "95: networks are compared without regard to case, and the default one is a network",
        arguments: [("HOME", true), ("home", true), ("", false), ("far", false)])
    func namedNetwork(header: String, isOurs: Bool) throws {
        let found = try source(Self.baggage, ("x-forwarded-network", header), network: "Home")
        #expect(found == (isOurs ? "shop" : "far"))
    }

    @Test(
        "96: a malformed traceparent does no harm",
        arguments: ["", "00-zz", "00-0-0-00", String(repeating: "-", count: 55)])
    func traceparent(text: String) throws {
        let application = try application()
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect("\(application.address)", ("traceparent", text))).status == 200)
    }

    @Test("97: a malformed forwarded header does no harm", arguments: ["", "host=", "host=\"", "host=\u{e9}", ";;;"])
    func forwarded(text: String) throws {
        let application = try application()
        defer { Kernel.close(application.descriptor) }
        let mesh = try LoopbackMesh()
        #expect(try mesh.request(Self.connect("\(application.address)", ("forwarded", text))).status == 200)
    }
}
