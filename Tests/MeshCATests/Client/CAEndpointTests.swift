import MeshCA
import Testing

@Suite("The address of an authority")
struct CAEndpointTests {
    @Test(
        "is read",
        arguments: [
            ("https://istiod.istio-system.svc:15012", "https://istiod.istio-system.svc:15012"),
            ("istiod.istio-system.svc:15012", "https://istiod.istio-system.svc:15012"),
            ("https://ca.example/", "https://ca.example:15012"), ("ca.example", "https://ca.example:15012"),
            ("10.0.0.1:443", "https://10.0.0.1:443"), ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
            ("[::1]", "https://[::1]:15012"),
        ])
    func read(text: String, expected: String) throws {
        #expect(CAEndpoint(address: text, trust: .system).map { "\($0)" } == expected)
    }

    @Test(
        "is refused",
        arguments: [
            "", "http://ca.example:15012", "https://", "https://ca.example/path", "ca:0", "ca:65536", "ca:x", "ca:",
            "[10.0.0.1]:443", "[ca]:443", "[::1", "2001:db8::1:x", "user@ca:15012", "https://ca.example//", "a b",
        ])
    func refused(text: String) { #expect(CAEndpoint(address: text, trust: .system) == nil) }
}
