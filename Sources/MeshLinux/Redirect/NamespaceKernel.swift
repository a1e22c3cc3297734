import CLinux
import MeshCore

/// The kernel as the calling thread sees it: to be used inside `NetworkNamespace.run`.
struct NamespaceKernel: RedirectKernel {
    func tables() throws(RedirectError) -> [NftTable] {
        do throws(NftError) { return try Nftables.tables() } catch { throw .nft(error) }
    }

    func dump(table: String) throws(RedirectError) -> String {
        do throws(NftError) { return try Nftables.dump(table: table) } catch { throw .nft(error) }
    }

    func transact(_ commands: String) throws(RedirectError) {
        do throws(NftError) { try Nftables.transact(commands) } catch { throw .nft(error) }
    }

    func routes(_ family: AddressFamily) throws(RedirectError) -> [PolicyRoute] {
        do throws(NetlinkError) {
            return try RouteSocket().routes(family, table: RedirectPlan.routeTable)
        } catch {
            throw .netlink(error)
        }
    }

    func add(_ route: PolicyRoute) throws(RedirectError) {
        do throws(NetlinkError) { try RouteSocket().add(route) } catch { throw .netlink(error) }
    }

    func delete(_ route: PolicyRoute) throws(RedirectError) {
        do throws(NetlinkError) { try RouteSocket().delete(route) } catch { throw .netlink(error) }
    }

    func rules(_ family: AddressFamily) throws(RedirectError) -> [PolicyRule] {
        do throws(NetlinkError) { return try RouteSocket().rules(family) } catch { throw .netlink(error) }
    }

    func add(_ rule: PolicyRule) throws(RedirectError) {
        do throws(NetlinkError) { try RouteSocket().add(rule) } catch { throw .netlink(error) }
    }

    func delete(_ rule: PolicyRule) throws(RedirectError) {
        do throws(NetlinkError) { try RouteSocket().delete(rule) } catch { throw .netlink(error) }
    }

    /// /proc/sys/net shows the namespace of the thread that opens the file.
    func loopbackTakesV6() -> Bool {
        let file = unsafe cl_open_for_reading("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
        guard file >= 0 else { return true }
        defer { _ = cl_close(file) }
        var first: UInt8 = 0
        return unsafe !(cl_read(file, &first, 1) == 1 && first == UInt8(ascii: "1"))
    }
}
