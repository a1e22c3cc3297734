import MeshCore
import Testing

@testable import MeshControl

@Suite("Values that records share")
struct SharedValuesTests {
    @Test("texts get numbers in the order of their coming, and keep them while the table grows")
    func numbers() {
        var table = TextNumbers<Int>()
        for round in 0..<2 {
            for value in 0..<5000 {
                let text = "text-\(value * 7919 % 5000)"
                let bytes = Array(text.utf8)
                let (number, isNew) = table.number(of: bytes.span) { (text, value) }
                #expect(number == value && isNew == (round == 0))
                #expect(table.text(number) == text && table[number] == value)
            }
        }
    }

    @Test("texts are equal when all of their bytes are", arguments: [("", "a"), ("é", "e\u{301}"), ("ab", "abc")])
    func bytes(one: String, other: String) {
        var table = TextNumbers<Bool>()
        let numbers = [(one, true), (other, false), (one, false)].map { text, value in
            let bytes = Array(text.utf8)
            return table.number(of: bytes.span) { (text, value) }.number
        }
        #expect(numbers == [0, 1, 0])
        #expect(table[0] && !table[1])
        table[0] = false
        #expect(!table[0])
    }

    @Test("a table of ports is the one that was asked for, however often")
    func ports() {
        var shared = SharedValues()
        for _ in 0..<2 {
            for servicePort in [0, 1, 80, 65535] as [UInt16] {
                for targetPort in [0, 1, 80, 65535] as [UInt16] {
                    #expect(shared.ports(servicePort, targetPort) == [servicePort: targetPort])
                }
            }
            #expect(shared.ports([80: 8080, 443: 8443]) == [80: 8080, 443: 8443])
            #expect(shared.ports([:]) == [:])
        }
    }

    @Test("a service has one number, and the tables that were asked for, in any order")
    func services() throws {
        var shared = SharedValues()
        let texts = ["ns/one.test", "ns/other.test", "ns/one.test", "no-slash", "no-slash"]
        let numbers = texts.map { text in
            let bytes = Array(text.utf8)
            return shared.service(bytes.span) { text }
        }
        let one = try #require(numbers[0])
        let other = try #require(numbers[1])
        #expect(numbers == [one, other, one, nil, nil] && one != other)
        let name = NamespacedHostname(namespace: "ns", hostname: "one.test")
        #expect(shared.name(of: one) == name)
        for ports in [[80: 1], [80: 2], [:], [80: 1]] as [[UInt16: UInt16]] {
            #expect(shared.table(of: one, ports) == [name: ports])
        }
        #expect(shared.table(of: other, [80: 1]).keys.map(\.hostname) == ["other.test"])
        #expect(shared.table([name: [1: 2]]) == [name: [1: 2]])
    }
}
