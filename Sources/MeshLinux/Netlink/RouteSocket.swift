import CLinux
import CNetlink

/// A connection to the routing tables of the network namespace in which it was made.
@safe
package struct RouteSocket: ~Copyable {
    private let handle: OpaquePointer

    package init() throws(NetlinkError) {
        guard let handle = unsafe nl_socket_alloc() else {
            throw NetlinkError(code: NLE_NOMEM, operation: "open a netlink socket")
        }
        let refused = unsafe nl_connect(handle, NETLINK_ROUTE)
        guard refused == 0 else {
            unsafe nl_socket_free(handle)
            throw NetlinkError(code: refused, operation: "open a netlink socket")
        }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe nl_socket_free(handle) }

    /// The routes of one table.
    package func routes(_ family: AddressFamily, table: UInt32) throws(NetlinkError) -> [PolicyRoute] {
        var found: [PolicyRoute] = []
        var cache: OpaquePointer?
        let refused = unsafe rtnl_route_alloc_cache(handle, family.kernel, 0, &cache)
        guard refused == 0, let cache = unsafe cache else {
            throw NetlinkError(code: refused, operation: "list the \(family.rawValue) routes")
        }
        defer { unsafe nl_cache_free(cache) }
        unsafe Self.forEach(in: cache) { route in
            // Some versions list both families, whatever was asked for.
            let fits =
                unsafe rtnl_route_get_table(route) == table && Int32(rtnl_route_get_family(route)) == family.kernel
            if fits { found.append(unsafe PolicyRoute(route, family)) }
        }
        return found
    }

    /// The rules that test the packet mark.
    package func rules(_ family: AddressFamily) throws(NetlinkError) -> [PolicyRule] {
        var found: [PolicyRule] = []
        var cache: OpaquePointer?
        let refused = unsafe rtnl_rule_alloc_cache(handle, family.kernel, &cache)
        guard refused == 0, let cache = unsafe cache else {
            throw NetlinkError(code: refused, operation: "list the \(family.rawValue) routing rules")
        }
        defer { unsafe nl_cache_free(cache) }
        unsafe Self.forEach(in: cache) { rule in
            let fits = unsafe rtnl_rule_get_mark(rule) != 0 && rtnl_rule_get_family(rule) == family.kernel
            if fits { found.append(unsafe PolicyRule(rule, family)) }
        }
        return found
    }

    /// Adds a local route; one that is there already is an error.
    package func add(_ route: PolicyRoute) throws(NetlinkError) {
        try unsafe withKernelForm(of: route) { object in
            unsafe rtnl_route_add(handle, object, Int32(NLM_F_CREATE | NLM_F_EXCL))
        } naming: {
            "add route \(route.selector)"
        }
    }

    /// Deletes the route that also has this origin.
    package func delete(_ route: PolicyRoute) throws(NetlinkError) {
        try unsafe withKernelForm(of: route) { object in
            unsafe rtnl_route_delete(handle, object, 0)
        } naming: {
            "delete route \(route.selector)"
        }
    }

    package func add(_ rule: PolicyRule) throws(NetlinkError) {
        try unsafe withKernelForm(of: rule) { object in
            unsafe rtnl_rule_add(handle, object, Int32(NLM_F_CREATE | NLM_F_EXCL))
        } naming: {
            "add \(rule.family.rawValue) rule \(rule.selector)"
        }
    }

    /// Deletes the rule that also has this origin.
    package func delete(_ rule: PolicyRule) throws(NetlinkError) {
        try unsafe withKernelForm(of: rule) { object in
            unsafe rtnl_rule_delete(handle, object, 0)
        } naming: {
            "delete \(rule.family.rawValue) rule \(rule.selector)"
        }
    }

    private static func forEach(in cache: OpaquePointer, _ body: (OpaquePointer) -> Void) {
        // Every object belongs to the cache, which outlives the loop.
        var next = unsafe nl_cache_get_first(cache)
        while let object = unsafe next {
            unsafe body(object)
            unsafe next = unsafe nl_cache_get_next(object)
        }
    }

    private func withKernelForm(
        of route: PolicyRoute, _ request: (OpaquePointer) -> Int32, naming: () -> String
    ) throws(NetlinkError) {
        let zero = [UInt8](repeating: 0, count: 16)
        guard let object = unsafe rtnl_route_alloc() else { throw NetlinkError(code: NLE_NOMEM, operation: naming()) }
        defer { unsafe rtnl_route_put(object) }
        // Only default routes are made here, so the address is all zero and the prefix empty.
        guard let destination = unsafe nl_addr_build(route.family.kernel, zero, route.family == .v4 ? 4 : 16),
            let hop = unsafe rtnl_route_nh_alloc()
        else { throw NetlinkError(code: NLE_NOMEM, operation: naming()) }
        defer { unsafe nl_addr_put(destination) }
        unsafe nl_addr_set_prefixlen(destination, 0)
        unsafe rtnl_route_set_family(object, UInt8(route.family.kernel))
        unsafe rtnl_route_set_table(object, route.table)
        _ = unsafe rtnl_route_set_type(object, route.type)
        unsafe rtnl_route_set_protocol(object, route.origin)
        unsafe rtnl_route_set_scope(object, route.family == .v4 ? UInt8(RT_SCOPE_HOST.rawValue) : 0)
        if route.metric != 0 { unsafe rtnl_route_set_priority(object, route.metric) }
        _ = unsafe rtnl_route_set_dst(object, destination)
        unsafe rtnl_route_nh_set_ifindex(hop, Int32(if_nametoindex(route.device ?? "lo")))
        // The route owns the hop from here on.
        unsafe rtnl_route_add_nexthop(object, hop)
        let refused = unsafe request(object)
        guard refused == 0 else { throw NetlinkError(code: refused, operation: naming()) }
    }

    private func withKernelForm(
        of rule: PolicyRule, _ request: (OpaquePointer) -> Int32, naming: () -> String
    ) throws(NetlinkError) {
        guard let object = unsafe rtnl_rule_alloc() else { throw NetlinkError(code: NLE_NOMEM, operation: naming()) }
        defer { unsafe rtnl_rule_put(object) }
        unsafe rtnl_rule_set_family(object, rule.family.kernel)
        unsafe rtnl_rule_set_prio(object, rule.priority)
        unsafe rtnl_rule_set_mark(object, rule.mark.value)
        unsafe rtnl_rule_set_mask(object, rule.mark.mask)
        unsafe rtnl_rule_set_table(object, rule.table)
        unsafe rtnl_rule_set_action(object, UInt8(FR_ACT_TO_TBL))
        _ = unsafe rtnl_rule_set_protocol(object, rule.origin)
        let refused = unsafe request(object)
        guard refused == 0 else { throw NetlinkError(code: refused, operation: naming()) }
    }
}

extension AddressFamily {
    fileprivate var kernel: Int32 { self == .v4 ? AF_INET : AF_INET6 }
}

extension PolicyRoute {
    /// Reads an object of a route cache.
    fileprivate init(_ route: OpaquePointer, _ family: AddressFamily) {
        let hop = unsafe rtnl_route_get_nnexthops(route) == 1 ? rtnl_route_nexthop_n(route, 0) : nil
        let prefix = unsafe rtnl_route_get_dst(route)
        let isDefault = unsafe prefix.map { unsafe nl_addr_get_prefixlen($0) == 0 } ?? true
        let index = unsafe hop.map { unsafe rtnl_route_nh_get_ifindex($0) }
        self.init(
            family: family, table: unsafe rtnl_route_get_table(route), type: unsafe rtnl_route_get_type(route),
            destination: isDefault ? family.everything : unsafe Self.text(prefix) ?? "?",
            device: index.flatMap(Self.linkName),
            gateway: unsafe hop.flatMap { unsafe Self.text(rtnl_route_nh_get_gateway($0)) },
            metric: unsafe rtnl_route_get_priority(route),
            origin: unsafe rtnl_route_get_protocol(route))
    }

    private static func text(_ address: OpaquePointer?) -> String? {
        guard let address = unsafe address else { return nil }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            return unsafe String(cString: unsafe nl_addr2str(address, base, buffer.count))
        }
    }

    private static func linkName(_ index: Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
            guard let base = buffer.baseAddress, unsafe if_indextoname(UInt32(index), base) != nil else { return nil }
            return unsafe String(cString: base)
        }
    }
}

extension PolicyRule {
    /// Reads an object of a rule cache.
    fileprivate init(_ rule: OpaquePointer, _ family: AddressFamily) {
        var origin: UInt8 = 0
        // A rule that names nobody leaves it at 0.
        _ = unsafe rtnl_rule_get_protocol(rule, &origin)
        let narrowed =
            unsafe rtnl_rule_get_src(rule) != nil || rtnl_rule_get_dst(rule) != nil || rtnl_rule_get_iif(rule) != nil
            || rtnl_rule_get_oif(rule) != nil || Int32(rtnl_rule_get_action(rule)) != FR_ACT_TO_TBL
        self.init(
            family: family, priority: unsafe rtnl_rule_get_prio(rule),
            mark: Mark(unsafe rtnl_rule_get_mark(rule), mask: unsafe rtnl_rule_get_mask(rule)),
            table: unsafe rtnl_rule_get_table(rule), origin: origin, isNarrower: narrowed)
    }
}
