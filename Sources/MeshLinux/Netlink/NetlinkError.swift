import CNetlink

/// A request to the kernel's routing tables that failed. Codes are libnl's, which keep less than errno does.
package struct NetlinkError: Error, Hashable, CustomStringConvertible {
    /// NLE_*, positive.
    package let code: Int32
    package let operation: String

    package init(code: Int32, operation: String) {
        self.code = abs(code)
        self.operation = operation
    }

    package var isDenied: Bool { code == NLE_PERM || code == NLE_NOACCESS }
    package var isMissing: Bool { code == NLE_OBJ_NOTFOUND || code == NLE_NODEV }
    package var exists: Bool { code == NLE_EXIST }
    /// The kernel, or the namespace, has no such address family.
    package var lacksFamily: Bool { code == NLE_AF_NOSUPPORT || code == NLE_OPNOTSUPP }

    package var description: String {
        let text = unsafe nl_geterror(code).map { unsafe String(cString: $0) } ?? "error"
        return "\(operation): \(text.lowercased()) (netlink error \(code))"
    }
}
