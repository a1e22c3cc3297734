import MeshCore
import MeshLinux
import Testing

@Suite("The system's resolver")
struct SystemResolverTests {
    @Test("finds this machine under its usual name, each address once")
    func localhost() throws {
        let found = try SystemResolver.addresses(of: "localhost").get()
        #expect(found.contains(.loopbackV4) || found.contains(.loopbackV6))
        #expect(Set(found).count == found.count)
    }

    @Test("reads addresses of either family", arguments: ["127.0.0.1", "::1", "2001:db8::1"])
    func literal(text: String) throws {
        #expect(try SystemResolver.addresses(of: text).get() == [try #require(IPAddress(text))])
    }

    @Test("a name that cannot be is no address", arguments: ["", "localhost\0.example"])
    func impossible(name: String) {
        #expect(SystemResolver.addresses(of: name) == .failure(.noAddress))
    }
}
