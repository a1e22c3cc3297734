import CLinux
import CNftables
import MeshCore
import Synchronization

/// Why nftables did not do what was asked.
package enum NftError: Error, Hashable, CustomStringConvertible {
    /// CAP_NET_ADMIN is missing in the user namespace that owns the network namespace.
    case denied
    /// The kernel has no nf_tables, or lacks a part of it.
    case unsupported(String)
    /// nft refused the commands.
    case refused(String)
    /// libnftables printed what we cannot read.
    case answer(String)

    package var description: String {
        switch self {
        case .denied:
            "may not use nftables; run as root, or with CAP_NET_ADMIN in the namespace"
        case .unsupported(let detail):
            "the kernel lacks nftables or a part of it (\(detail)); it needs the modules nf_tables, nft_chain_nat, nft_redir "
                + "and nft_ct: try `modprobe -a nf_tables nft_chain_nat nft_redir nft_ct`, or install the package with this "
                + "kernel's extra modules"
        case .refused(let detail): "nftables refused the rules: \(detail)"
        case .answer(let detail): "cannot read the answer of libnftables: \(detail)"
        }
    }
}

/// nftables of the calling thread's network namespace, through libnftables.
package enum Nftables {
    /// libnftables keeps tables of symbols in static storage.
    private static let door = Mutex(())

    /// What `nft -f` takes: commands, one a line, as one transaction.
    package static func transact(_ commands: String) throws(NftError) { _ = try run(commands, flags: 0) }

    /// The tables of family `inet`.
    package static func tables() throws(NftError) -> [NftTable] {
        try NftTable.list(json: run("list ruleset inet", flags: UInt32(NFT_CTX_OUTPUT_JSON)))
    }

    /// A table as commands that make it again, without the state of counters.
    package static func dump(table: String) throws(NftError) -> String {
        try run("list table inet \(table)", flags: UInt32(NFT_CTX_OUTPUT_STATELESS))
    }

    /// Everything of every family, as text.
    package static func dumpAll() throws(NftError) -> String {
        try run("list ruleset", flags: UInt32(NFT_CTX_OUTPUT_STATELESS))
    }

    private static func run(_ commands: String, flags: UInt32) throws(NftError) -> String {
        // libnftables ends the process when it cannot have this socket, so we look first.
        let netfilter = cl_socket(AF_NETLINK, Int32(SOCK_RAW.rawValue), 12)
        guard netfilter >= 0 else {
            throw .unsupported("no netlink socket for netfilter: \(KernelError.text(-netfilter))")
        }
        _ = cl_close(netfilter)
        let outcome = door.withLock { _ in converse(commands, flags) }
        if let errors = outcome.errors { throw Self.error(errors) }
        return outcome.output
    }

    /// What was printed, and what was complained of when the commands failed.
    private static func converse(_ commands: String, _ flags: UInt32) -> (output: String, errors: String?) {
        guard let context = unsafe nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else { return ("", "out of memory") }
        defer { unsafe nft_ctx_free(context) }
        unsafe nft_ctx_buffer_output(context)
        unsafe nft_ctx_buffer_error(context)
        unsafe nft_ctx_output_set_flags(context, flags)
        let status = unsafe nft_run_cmd_from_buffer(context, commands)
        // The buffers belong to the context, which lives until this function returns.
        let output = unsafe nft_ctx_get_output_buffer(context).map { unsafe String(cString: $0) } ?? ""
        let errors = unsafe nft_ctx_get_error_buffer(context).map { unsafe String(cString: $0) } ?? ""
        return (output, status == 0 ? nil : errors)
    }

    /// What a complaint of nft means. Its lines are folded into one, without the marks under the command.
    static func error(_ complaint: String) -> NftError {
        let lines = complaint.split(separator: "\n").map(String.init)
        let text = lines.filter { !$0.allSatisfy { $0 == "^" || $0 == "~" || $0 == " " } }.prefix(4).joined(
            separator: " / ")
        // The words are strerror's: EPERM; EOPNOTSUPP, EPROTONOSUPPORT, ENOENT for a kind of statement whose module is
        // absent, and whatever a subsystem that is absent answers to the first request.
        if complaint.contains("Operation not permitted") { return .denied }
        let absent = ["not supported", "No such file or directory", "cache initialization failed"]
        if absent.contains(where: complaint.contains) {
            return .unsupported(text)
        }
        return .refused(text)
    }
}
