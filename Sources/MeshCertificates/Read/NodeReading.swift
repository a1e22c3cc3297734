import MeshCore
import SwiftASN1

/// Why bytes are no certificate, or an extension is not what its type says. One line, without bytes of the input.
package struct ReadingError: Error, Hashable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// Walks over the children of a node, in their order.
struct NodeCursor {
    private var iterator: ASN1NodeCollection.Iterator
    private(set) var current: ASN1Node?
    private let what: String

    init(_ node: ASN1Node, _ identifier: ASN1Identifier = .sequence, _ what: String) throws(ReadingError) {
        guard node.identifier == identifier, case .constructed(let children) = node.content else {
            throw ReadingError("\(what) is not what stands there")
        }
        iterator = children.makeIterator()
        current = iterator.next()
        self.what = what
    }

    mutating func next() throws(ReadingError) -> ASN1Node {
        guard let node = current else { throw ReadingError("\(what) ends early") }
        current = iterator.next()
        return node
    }

    /// The child that stands next, if it is one with this context tag.
    mutating func optional(_ tag: UInt) -> ASN1Node? {
        guard let node = current, node.identifier == .context(tag) else { return nil }
        current = iterator.next()
        return node
    }

    func end() throws(ReadingError) {
        guard current == nil else { throw ReadingError("\(what) has something behind its end") }
    }
}

extension ASN1Identifier {
    static func context(_ tag: UInt) -> ASN1Identifier {
        ASN1Identifier(tagWithNumber: tag, tagClass: .contextSpecific)
    }
}

extension ASN1Node {
    /// The content of a primitive node; `nil` for a constructed one.
    var bytes: ArraySlice<UInt8>? {
        guard case .primitive(let bytes) = content else { return nil }
        return bytes
    }

    var children: [ASN1Node] {
        guard case .constructed(let children) = content else { return [] }
        return Array(children)
    }

    /// Reads one value of the library's types; what it says of malformed bytes is replaced by ours.
    func read<Value: DERImplicitlyTaggable>(_ type: Value.Type, _ what: String) throws(ReadingError) -> Value {
        do {
            return try Value(derEncoded: self, withIdentifier: Value.defaultIdentifier)
        } catch {
            throw ReadingError("\(what) is malformed")
        }
    }

    static func parse(_ bytes: ArraySlice<UInt8>, _ what: String) throws(ReadingError) -> ASN1Node {
        do {
            return try DER.parse(bytes)
        } catch {
            throw ReadingError("\(what) is not DER")
        }
    }

    /// Of an AlgorithmIdentifier, without its parameters.
    func algorithm() throws(ReadingError) -> ASN1ObjectIdentifier {
        var fields = try NodeCursor(self, .sequence, "the signature algorithm")
        return try fields.next().read(ASN1ObjectIdentifier.self, "the signature algorithm")
    }

    /// Seconds since 1970 of a time of either type.
    func seconds() throws(ReadingError) -> Int64 {
        func seconds(_ date: CivilDate, _ hour: Int, _ minute: Int, _ second: Int) -> Int64 {
            date.daysSince1970 * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        }
        if identifier == .utcTime {
            let time = try read(UTCTime.self, "a time")
            return seconds(CivilDate(time.year, time.month, time.day), time.hours, time.minutes, time.seconds)
        }
        let time = try read(GeneralizedTime.self, "a time")
        return seconds(CivilDate(time.year, time.month, time.day), time.hours, time.minutes, time.seconds)
    }

    /// The text of any of the string types; `nil` for a node of another type.
    var text: String? {
        guard let bytes else { return nil }
        switch identifier {
        case .utf8String, .printableString, .ia5String, .visibleString, .numericString:
            return String(decoding: bytes, as: UTF8.self)
        case .teletexString:
            // Latin-1 is what writers of T.61 strings mean.
            return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        case .bmpString:
            let bytes = Array(bytes)
            let units = stride(from: 0, to: bytes.count - 1, by: 2).map {
                UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
            }
            return String(decoding: units, as: UTF16.self)
        default: return nil
        }
    }
}
