import MeshCore

extension NetworkNamespace {
    /// The inode that Linux 6.18 and later give to the first network namespace: `NET_NS_INIT_INO` of linux/nsfs.h.
    static let initialInode: UInt64 = 0xefff_fff9

    /// Throws `.host` when this is the namespace of the host, or may be.
    ///
    /// It is when it is the kernel's first one or that of PID 1. When PID 1 cannot be looked at, the caller's own is
    /// refused too: nothing then tells it from the host's.
    package func refuseHost() throws(NamespaceError) {
        let firstProcess: Identity?
        do {
            firstProcess = try NetworkNamespace(.pid(1)).identity
        } catch {
            firstProcess = nil
        }
        let own = try NetworkNamespace(.own).identity
        if let why = Self.whyHost(identity, firstProcess: firstProcess, own: own) {
            throw .host(target.description, why: why)
        }
    }

    /// The decision of `refuseHost`: the reason, or `nil` when the namespace is not the host's.
    static func whyHost(_ identity: Identity, firstProcess: Identity?, own: Identity) -> String? {
        if identity.inode == initialInode, identity.device == own.device {
            return "it is the first namespace of this machine, the host's"
        }
        if let firstProcess {
            return identity == firstProcess ? "it is the one of process 1, the host's" : nil
        }
        return identity == own ? "it is our own, and process 1 cannot be read to rule out that it is the host's" : nil
    }
}
