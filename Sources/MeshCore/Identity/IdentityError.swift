/// Why a text is not a mesh identity.
public enum IdentityError: Error, Equatable, CustomStringConvertible {
    case form(String)
    case trustDomain(String)
    case namespace(String)
    case serviceAccount(String)

    public var description: String {
        switch self {
        case .form(let text):
            "\"\(text)\" is not a SPIFFE ID of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>"
        case .trustDomain(let text): "\"\(text)\" is not a trust domain; use 1 to 255 of a-z, 0-9, '.', '_' and '-'"
        case .namespace(let text): "\"\(text)\" is not a namespace; use a DNS label of at most 63 characters"
        case .serviceAccount(let text): "\"\(text)\" is not a service account; use a DNS name of at most 253 characters"
        }
    }
}
