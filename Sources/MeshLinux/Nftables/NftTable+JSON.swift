import FoundationEssentials
import MeshCore

extension NftTable {
    /// Reads what `nft -j list ruleset` prints.
    ///
    /// Shape: `{"nftables": [{"table": ...}, {"chain": ...}, {"rule": ...}, ...]}`, a table before what it holds. Families
    /// other than `inet` are passed over. Source: libnftables-json(5).
    /// - Throws: `NftError.answer` when it is no such JSON.
    static func list(json text: String) throws(NftError) -> [NftTable] {
        let document: JSONValue
        do {
            document = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        } catch {
            throw .answer("no JSON")
        }
        guard let objects = document["nftables"]?.array else { throw .answer("no list of objects") }
        var tables: [NftTable] = []
        for case .object(let object) in objects {
            guard let (kind, value) = object.first, value["family"]?.text == "inet" else { continue }
            guard kind != "table" else {
                guard let name = value["name"]?.text else { throw .answer("a table without a name") }
                tables.append(NftTable(name, comments: [], chains: []))
                continue
            }
            guard let table = value["table"]?.text, let index = tables.firstIndex(where: { $0.name == table }) else {
                throw .answer("a \(kind) of no table")
            }
            switch kind {
            case "chain":
                guard let name = value["name"]?.text else { throw .answer("a chain without a name") }
                tables[index].chains.append(NftChain(name, hook: NftChain.Hook(json: value), rules: []))
            case "rule":
                guard let name = value["chain"]?.text, let statements = value["expr"]?.array,
                    let chain = tables[index].chains.firstIndex(where: { $0.name == name })
                else { throw .answer("a rule of no chain") }
                tables[index].chains[chain].rules.append(NftRule(json: statements))
                if tables[index].chains[chain].hook != nil, let comment = value["comment"]?.text {
                    tables[index].comments.insert(comment)
                }
            default:
                tables[index].extras.append("\(kind) \(value["name"]?.text ?? "")")
            }
        }
        return tables
    }
}

extension NftChain.Hook {
    fileprivate init?(json: JSONValue) {
        guard let type = json["type"]?.text, let point = json["hook"]?.text, let priority = json["prio"]?.integer else {
            return nil
        }
        self.init(type: type, point: point, priority: Int(priority), policy: json["policy"]?.text ?? "accept")
    }
}

extension NftRule {
    /// Reads the statements of one rule.
    ///
    /// Tests that follow from others are dropped, since versions of nft differ in whether they print them: `meta nfproto`
    /// beside an address, `meta l4proto` beside a port.
    init(json statements: [JSONValue]) {
        var matches: [Match] = []
        var actions: [Action] = []
        var counted = false
        var families: [String] = []
        for statement in statements {
            guard case .object(let object) = statement, let (kind, value) = object.first else {
                matches.append(.foreign(statement.canonical))
                continue
            }
            switch kind {
            case "match":
                if value["left"]?["meta"]?["key"]?.text == "nfproto", let family = value["right"]?.text {
                    families.append(family)
                } else {
                    matches.append(Match(json: value) ?? .foreign(statement.canonical))
                }
            case "counter": counted = true
            default: actions.append(Action(kind: kind, value) ?? .foreign(statement.canonical))
            }
        }
        let implied = Set(
            matches.compactMap { match -> String? in
                if case .address(_, let address, _) = match { address.isV4 ? "ipv4" : "ipv6" } else { nil }
            })
        matches += families.filter { !implied.contains($0) }.map { .foreign("meta nfproto \($0)") }
        let ported = matches.compactMap { match -> Transport? in
            if case .port(let transport, _, _, _) = match { transport } else { nil }
        }
        matches.removeAll { match in
            if case .transport(let transport) = match { ported.contains(transport) } else { false }
        }
        self.init(matches, counted: counted, actions: actions)
    }
}

extension NftRule.Match {
    /// Reads `{"op": ..., "left": ..., "right": ...}`; `nil` for what redirection never writes.
    fileprivate init?(json: JSONValue) {
        guard let operation = json["op"]?.text, ["==", "!=", "in"].contains(operation), let left = json["left"],
            let right = json["right"]
        else { return nil }
        let negated = operation == "!="
        if let key = left["meta"]?["key"]?.text {
            switch (key, right.text) {
            case ("iifname", let name?) where !negated: self = .inputInterface(name)
            case ("oifname", let name?): self = .outputInterface(name, negated: negated)
            case ("l4proto", let name?) where !negated:
                guard let transport = NftRule.Transport(rawValue: name) else { return nil }
                self = .transport(transport)
            default: return nil
            }
        } else if let header = left["payload"]?["protocol"]?.text, let field = left["payload"]?["field"]?.text {
            if let transport = NftRule.Transport(rawValue: header),
                let port = right.integer.flatMap(UInt16.init(exactly:)),
                let side = NftRule.Side(field: field, "port")
            {
                self = .port(transport, side, port, negated: negated)
            } else if header.hasPrefix("ip"), let side = NftRule.Side(field: field, "addr"),
                let address = right.text.flatMap({ IPAddress($0[...]) })
            {
                self = .address(side, address, negated: negated)
            } else {
                return nil
            }
        } else if let masked = left["&"]?.array, masked.count == 2, let mark = Mark(value: right, mask: masked[1]) {
            switch masked[0] {
            case .meta("mark"): self = .packetMark(mark, negated: negated)
            case .ct("mark") where !negated: self = .connectionMark(mark)
            default: return nil
            }
        } else {
            return nil
        }
    }
}

extension NftRule.Side {
    /// `saddr`, `daddr`, `sport`, `dport`.
    fileprivate init?(field: String, _ suffix: String) {
        switch field {
        case "s" + suffix: self = .source
        case "d" + suffix: self = .destination
        default: return nil
        }
    }
}

extension NftRule.Action {
    fileprivate init?(kind: String, _ value: JSONValue) {
        switch kind {
        case "accept": self = .accept
        case "return": self = .leave
        case "jump":
            guard let chain = value["target"]?.text else { return nil }
            self = .jump(chain)
        case "redirect":
            guard case .object(let fields) = value, Set(fields.keys) == ["port"],
                let port = value["port"]?.integer.flatMap(UInt16.init(exactly:))
            else { return nil }
            self = .redirect(port)
        case "mangle":
            switch (value["key"], value["value"]) {
            case (.meta("mark")?, .ct("mark")?): self = .restoreMark
            case (.ct("zone")?, let zone?):
                guard let zone = zone.integer.flatMap(UInt16.init(exactly:)) else { return nil }
                self = .connectionZone(zone)
            case (.ct("mark")?, let set?):
                // ct mark & kept | value. The kernel sets the bits of the value in the mask that it reports.
                guard let sides = set["|"]?.array, sides.count == 2, let kept = sides[0]["&"]?.array, kept.count == 2,
                    kept[0] == .ct("mark"), let mark = Mark(value: sides[1], mask: kept[1])
                else { return nil }
                self = .brandConnection(Mark(mark.value, mask: ~mark.mask | mark.value))
            default: return nil
            }
        default: return nil
        }
    }
}

extension JSONValue {
    fileprivate static func meta(_ key: String) -> JSONValue { .object(["meta": .object(["key": .text(key)])]) }
    fileprivate static func ct(_ key: String) -> JSONValue { .object(["ct": .object(["key": .text(key)])]) }
}

private func ~= (pattern: JSONValue, value: JSONValue) -> Bool { pattern == value }

extension Mark {
    fileprivate init?(value: JSONValue, mask: JSONValue) {
        guard let value = value.integer.flatMap(UInt32.init(exactly:)),
            let mask = mask.integer.flatMap(UInt32.init(exactly:))
        else { return nil }
        self.init(value, mask: mask)
    }
}
