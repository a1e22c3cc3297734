import MeshCore
import Testing

@testable import MeshLinux

@Suite("Network namespaces")
struct NetworkNamespaceTests {
    @Test("a text with a slash is a path, another is a name")
    func parsing() {
        #expect(NetworkNamespace.Target(parsing: "pod1") == .name("pod1"))
        #expect(NetworkNamespace.Target(parsing: "/proc/1/ns/net") == .path("/proc/1/ns/net"))
        #expect(NetworkNamespace.Target(parsing: "./here") == .path("./here"))
    }

    static let refused: [(NetworkNamespace.Target, NamespaceError)] = [
        (.name(""), .badName("")),
        (.name(".."), .badName("..")),
        (.name("a/b"), .badName("a/b")),
        (.name("a\0b"), .badName("a\0b")),
        (
            .name("no-such-namespace"),
            .missing(
                .name("no-such-namespace"),
                tried: ["/run/netns/no-such-namespace", "/var/run/netns/no-such-namespace"])
        ),
        (.path("/no/such/file"), .missing(.path("/no/such/file"), tried: ["/no/such/file"])),
        (.path("/proc/self/ns/mnt"), .notANamespace("/proc/self/ns/mnt")),
        (.path("/proc/self/status"), .notANamespace("/proc/self/status")),
        (.path("/proc"), .notANamespace("/proc")),
    ]

    @Test("opening refuses what is no network namespace", arguments: refused)
    func refuses(target: NetworkNamespace.Target, because expected: NamespaceError) {
        #expect(throws: expected) { _ = try NetworkNamespace(target).identity }
    }

    @Test("the same namespace has the same identity, however it was found")
    func identity() throws {
        let own = try NetworkNamespace(.own).identity
        #expect(try NetworkNamespace(.path("/proc/self/ns/net")).identity == own)
        #expect(own.description == "net:[\(own.inode)]")
    }

    typealias Identity = NetworkNamespace.Identity

    static let first = Identity(device: 4, inode: NetworkNamespace.initialInode)
    static let host = Identity(device: 4, inode: 4_026_532_008)
    static let pod = Identity(device: 4, inode: 4_026_532_999)
    /// The namespace, that of process 1 where it can be read, our own; whether it is refused.
    static let cases: [(Identity, Identity?, Identity, Bool)] = [
        (first, nil, pod, true),
        (host, host, host, true),
        (host, host, pod, true),
        (pod, host, host, false),
        (pod, host, pod, false),
        (pod, nil, host, false),
        (host, nil, host, true),
        // The same inode on another device is another thing.
        (Identity(device: 5, inode: host.inode), host, host, false),
        (Identity(device: 5, inode: first.inode), host, host, false),
    ]

    @Test("the host's namespace is told from a pod's", arguments: cases)
    func host(identity: Identity, firstProcess: Identity?, own: Identity, refused: Bool) {
        let why = NetworkNamespace.whyHost(identity, firstProcess: firstProcess, own: own)
        #expect((why != nil) == refused)
    }
}
