/// The accounts of node proxies, which may ask for the identities of the pods on their node.
package struct TrustedAccounts: Sendable, Hashable {
    package private(set) var accounts: Set<ServiceAccount> = []
    /// Entries that are no `namespace/account`.
    package private(set) var refused: [String] = []

    package init(_ accounts: Set<ServiceAccount> = []) { self.accounts = accounts }

    /// Shape: `namespace/account`, separated by commas; empty entries are passed over. Source: istiod,
    /// `CA_TRUSTED_NODE_ACCOUNTS`.
    package init(parsing text: String) {
        for entry in text.split(separator: ",") {
            let part = entry.split(separator: "/", omittingEmptySubsequences: false)
            guard part.count == 2, part.allSatisfy(Self.isName) else {
                refused.append(String(entry))
                continue
            }
            accounts.insert(ServiceAccount(namespace: String(part[0]), name: String(part[1])))
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
