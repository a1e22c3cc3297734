import MeshCore
import MeshWire
import Testing

/// Numbers are the cases of the node proxy reference, section 24.
@Suite("Forwarded header")
struct ForwardedTests {
    private static let v4 = SocketAddress(.loopbackV4, 80)

    @Test("40: is written for IPv4, IPv6 and with a service")
    func written() {
        #expect(Forwarded(source: Self.v4).headerValue == "for=\"127.0.0.1:80\"")
        #expect(Forwarded(source: SocketAddress(.loopbackV6, 80)).headerValue == "for=\"[::1]:80\"")
        #expect(Forwarded(source: Self.v4, host: "example.com").headerValue == "for=\"127.0.0.1:80\";host=example.com")
        #expect(Forwarded(source: Self.v4, host: "bad;\"host").headerValue == "for=\"127.0.0.1:80\"")
    }

    @Test(
        "97: reads the host, quoted or not",
        arguments: [
            ("for=\"127.0.0.1:80\";host=example.com", "example.com"), ("host=\"example.com\"", "example.com"),
            ("HOST=a ; for=b", "a"), ("for=x", nil), ("host=", nil), ("host=\"\"", nil), ("host=exämple", nil),
            ("host=a;host=b", "a"), ("proto=http;by=\"a;b,c\";host=d", "d"), ("host=a, host=b", "a"),
            ("host=\"a\\\"b\"", nil), ("", nil), ("host=a b", nil), ("hosts=a", nil),
        ] as [(String, String?)])
    func host(text: String, expected: String?) {
        #expect(Forwarded(text)?.host == expected)
    }

    @Test(
        "refuses what is not of the form",
        arguments: ["host", "=a", "host=\"a", "host=\"a\\", ";", "host=a;", "host=a b"])
    func refuses(text: String) {
        #expect(Forwarded(text) == nil)
    }

    @Test("round trip, every truncation, limit")
    func robust() {
        let value = Forwarded(source: SocketAddress(.loopbackV6, 443), host: "a.example")
        #expect(Forwarded(value.headerValue) == value)
        for count in 0..<value.headerValue.count {
            let part = Forwarded(String(value.headerValue.prefix(count)))
            #expect(part?.host == nil || "a.example".hasPrefix(part?.host ?? ""))
        }
        let long = "host=" + String(repeating: "a", count: Forwarded.textLimit - 5)
        #expect(Forwarded(long) != nil)
        #expect(Forwarded(long + "a") == nil)
    }
}

@Suite("Baggage header")
struct BaggageTests {
    private static let full =
        "k8s.cluster.name=c,k8s.namespace.name=ns,k8s.job.name=w,service.name=app,service.version=v1,cloud.region=r,"
        + "cloud.availability_zone=z"

    @Test("180: is written in order, without what is empty, and read back")
    func roundTrip() {
        var fields = Workload.Fields()
        fields.clusterID = "c"
        fields.namespace = "ns"
        fields.workloadType = "job"
        fields.workloadName = "w"
        fields.canonicalName = "app"
        fields.canonicalRevision = "v1"
        fields.locality = Locality(region: "r", zone: "z")
        let baggage = Baggage(Workload(fields))
        #expect(baggage.headerValue == Self.full)
        #expect(Baggage(Self.full) == baggage)
        fields.canonicalRevision = ""
        fields.clusterID = ""
        fields.workloadType = ""
        #expect(
            Baggage(Workload(fields)).headerValue
                == "k8s.namespace.name=ns,k8s.deployment.name=w,service.name=app,cloud.region=r,cloud.availability_zone=z"
        )
    }

    @Test("180: headers that are repeated add up")
    func split() {
        var baggage = Baggage()
        let (first, second) = ("k8s.cluster.name=c,k8s.namespace.name=ns", "k8s.job.name=w,cloud.region=")
        baggage.add(parsing: first.utf8.span)
        baggage.add(parsing: second.utf8.span)
        #expect(baggage.cluster == "c")
        #expect(baggage.workloadType == "job")
        #expect(baggage.region == nil)
    }

    @Test(
        "reads odd values as upstream does",
        arguments: [
            ("service.name=a=b", "a"), ("service.name= a ", " a "), ("service.name=", nil), ("service.name", nil),
            (",,service.name=a,,", "a"), (" service.name=a", nil), ("service.name==", nil), ("x=y", nil), ("", nil),
        ] as [(String, String?)])
    func odd(text: String, name: String?) {
        #expect(Baggage(text)?.canonicalName == name)
    }

    @Test("every truncation is read, a value too long is not, bytes that are no text are skipped")
    func robust() {
        for count in 0...Self.full.count { #expect(Baggage(String(Self.full.prefix(count))) != nil) }
        #expect(Baggage(String(repeating: ",", count: Baggage.textLimit)) != nil)
        #expect(Baggage(String(repeating: ",", count: Baggage.textLimit + 1)) == nil)
        let bytes: [UInt8] = Array("service.name=".utf8) + [0xff]
        #expect(bytes.withUnsafeBufferPointer { Baggage(bytes: $0) }?.canonicalName == nil)
    }

    @Test("a value that would break the header is left out")
    func unsafeValues() {
        var baggage = Baggage()
        baggage.cluster = "a,service.name=evil"
        baggage.namespace = "x\r\ny"
        baggage.region = "r"
        #expect(baggage.headerValue == "cloud.region=r")
    }
}

@Suite("Traceparent header")
struct TraceparentTests {
    /// Source: W3C Trace Context, section 3.2.3.
    private static let sample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test("round trip")
    func roundTrip() {
        #expect(Traceparent(Self.sample)?.description == Self.sample)
        #expect(Traceparent(Self.sample)?.traceID == "0af7651916cd43dd8448eb211c80319c")
    }

    @Test("96: anything else is refused")
    func refuses() {
        for count in 0..<Self.sample.count { #expect(Traceparent(String(Self.sample.prefix(count))) == nil) }
        #expect(Traceparent(Self.sample + "0") == nil)
        for bad in [
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            #expect(Traceparent(bad) == nil)
        }
    }

    @Test("a new one is of the shape and is read back")
    func made() {
        var random = QuickRandom()
        let made = Traceparent(random: &random)
        #expect(made.description.utf8.count == 55)
        #expect(made.description.hasPrefix("00-") && made.description.hasSuffix("-00"))
        #expect(Traceparent(made.description) == made)
    }
}
