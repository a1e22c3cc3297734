package import MeshCore

/// Why redirection cannot be planned, put in place, checked or removed.
package enum RedirectError: Error, Hashable, CustomStringConvertible {
    case interfaceName(String, why: String)
    case probeAddress(String, AddressFamily)
    case namespace(NamespaceError)
    case nft(NftError)
    case netlink(NetlinkError)
    /// Tables of our names that another program made, and that are not what is asked for; with what is wrong in them.
    case foreignTables([String], why: String)
    /// Table 100 has another default route in the place of ours.
    case routeTaken(String)
    /// A step failed, and so did taking back a step before it.
    indirect case notUndone(RedirectError, left: [String])

    package var description: String {
        switch self {
        case .interfaceName(let name, let why): "'\(name)' cannot be the name of an interface: \(why)"
        case .probeAddress(let text, let family): "'\(text)' is no \(family == .v4 ? "IPv4" : "IPv6") address"
        case .namespace(let error): error.description
        case .nft(let error): error.description
        case .netlink(let error):
            if error.isDenied {
                "\(error.operation): not permitted; run as root, or with CAP_NET_ADMIN in the namespace"
            } else if error.lacksFamily {
                "\(error.description); if the kernel has no IPv6, use --no-ipv6"
            } else {
                error.description
            }
        case .foreignTables(let names, let why):
            "another program made \(names.joined(separator: ", ")), and not as asked: \(why); "
                + "use --take-over to replace, or remove with --any-owner"
        case .routeTaken(let route):
            "route '\(route)' stands where the one of redirection belongs; delete it, or move it to another table"
        case .notUndone(let error, let left): "\(error); could not take back: \(left.joined(separator: "; "))"
        }
    }

    package var kind: MeshFailure.Kind {
        switch self {
        case .interfaceName, .probeAddress, .namespace(.badName), .namespace(.notANamespace): .usage
        case .namespace(.missing): .notFound
        case .namespace(.denied), .namespace(.host), .nft(.denied): .denied
        case .netlink(let error): error.isDenied ? .denied : .unavailable
        case .nft(.answer): .corrupt
        case .namespace(.kernel), .nft, .foreignTables, .routeTaken: .unavailable
        case .notUndone(let error, _): error.kind
        }
    }

    /// One line for a person.
    package func failure(doing: String) -> MeshFailure { MeshFailure(kind, doing: doing, reason: description) }
}
