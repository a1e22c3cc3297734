/// One line of an audit log, as far as the chain goes by it.
///
/// Shape: `{"seq":N,MEMBERS,"prev":"H"}`, where N is a decimal number of at most 20 digits without leading zeros and H the
/// hash of the line before it, 64 hexadecimal digits in lower case. Pure.
package struct AuditLine: Hashable {
    package let sequence: UInt64
    /// The facts, in between; not looked at here.
    package let members: ArraySlice<UInt8>
    /// The hash of the line before this one.
    package let previous: ArraySlice<UInt8>

    package static let hashLength = 64
    private static let opening = Array("{\"seq\":".utf8)
    private static let link = Array(",\"prev\":\"".utf8)
    private static let closing = Array("\"}".utf8)

    /// - Parameter line: without its newline.
    package init?(_ line: ArraySlice<UInt8>) {
        guard line.starts(with: Self.opening), line.suffix(Self.closing.count).elementsEqual(Self.closing) else {
            return nil
        }
        let digits = line.dropFirst(Self.opening.count).prefix { (0x30...0x39).contains($0) }
        guard digits.count <= 20, let first = digits.first, first != 0x30,
            let sequence = UInt64(String(decoding: digits, as: UTF8.self)),
            line[digits.endIndex] == UInt8(ascii: ",")
        else { return nil }
        let hash = line.dropLast(Self.closing.count).suffix(Self.hashLength)
        let isHexadecimal: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        let head = line[digits.endIndex..<max(hash.startIndex, digits.endIndex)]
        guard hash.count == Self.hashLength, hash.allSatisfy(isHexadecimal),
            head.count > Self.link.count, head.suffix(Self.link.count).elementsEqual(Self.link)
        else { return nil }
        self.sequence = sequence
        members = head.dropFirst().dropLast(Self.link.count)
        previous = hash
    }

    /// The line that `init` reads back.
    package static func text(sequence: UInt64, members: String, previous: String) -> String {
        "{\"seq\":\(sequence),\(members),\"prev\":\"\(previous)\"}"
    }
}
