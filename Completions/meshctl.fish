function __meshctl_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __meshctl_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __meshctl_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __meshctl_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __meshctl_parse_tokens -S
    set -l unparsed_tokens (__meshctl_tokens -pc)
    switch $unparsed_tokens[1]
    case 'meshctl'
        __meshctl_parse_subcommand 0 'h/help'
        switch $unparsed_tokens[1]
        case 'ztunnel'
            __meshctl_parse_subcommand 0 'h/help'
            switch $unparsed_tokens[1]
            case 'run'
                __meshctl_parse_subcommand 0 'config=' 'workload=' 'ca-address=' 'ca-root=' 'token=' 'certificate=' 'key=' 'trust-bundle=' 'network=' 'node=' 'cluster-id=' 'trust-domain=' 'threads=' 'packet-mark=' 'drain-deadline=' 'log-level=' 'log-format=' 'outbound-port=' 'inbound-port=' 'inbound-plaintext-port=' 'admin-port=' 'metrics-port=' 'readiness-port=' 'h/help'
            case 'status'
                __meshctl_parse_subcommand 0 'address=' 'o/output=' 'h/help'
            case 'connections'
                __meshctl_parse_subcommand 0 'address=' 'direction=' 'match=' 'o/output=' 'h/help'
            case 'tunnels'
                __meshctl_parse_subcommand 0 'address=' 'o/output=' 'h/help'
            case 'explain'
                __meshctl_parse_subcommand 0 'from=' 'to=' 'plaintext' 'dump=' 'config=' 'address=' 'o/output=' 'h/help'
            case 'config-dump'
                __meshctl_parse_subcommand 0 'address=' 'o/output=' 'h/help'
            case 'config'
                __meshctl_parse_subcommand 0 'config=' 'workload=' 'ca-address=' 'ca-root=' 'token=' 'certificate=' 'key=' 'trust-bundle=' 'network=' 'node=' 'cluster-id=' 'trust-domain=' 'threads=' 'packet-mark=' 'drain-deadline=' 'log-level=' 'log-format=' 'outbound-port=' 'inbound-port=' 'inbound-plaintext-port=' 'admin-port=' 'metrics-port=' 'readiness-port=' 'o/output=' 'h/help'
            case 'log-level'
                __meshctl_parse_subcommand 1 'reset' 'address=' 'o/output=' 'h/help'
            case 'drain'
                __meshctl_parse_subcommand 0 'address=' 'o/output=' 'h/help'
            end
        case 'redirect'
            __meshctl_parse_subcommand 0 'h/help'
            switch $unparsed_tokens[1]
            case 'plan'
                __meshctl_parse_subcommand 0 'netns=' 'pid=' 'ipv6' 'no-ipv6' 'dns' 'no-dns' 'ingress' 'virtual-interface=+' 'probe-source=' 'probe-source-v6=' 'o/output=' 'h/help'
            case 'apply'
                __meshctl_parse_subcommand 0 'netns=' 'pid=' 'ipv6' 'no-ipv6' 'dns' 'no-dns' 'ingress' 'virtual-interface=+' 'probe-source=' 'probe-source-v6=' 'dry-run' 'take-over' 'o/output=' 'h/help'
            case 'verify'
                __meshctl_parse_subcommand 0 'netns=' 'pid=' 'ipv6' 'no-ipv6' 'dns' 'no-dns' 'ingress' 'virtual-interface=+' 'probe-source=' 'probe-source-v6=' 'live' 'no-live' 'o/output=' 'h/help'
            case 'remove'
                __meshctl_parse_subcommand 0 'netns=' 'pid=' 'dry-run' 'any-owner' 'o/output=' 'h/help'
            end
        case 'ca'
            __meshctl_parse_subcommand 0 'h/help'
            switch $unparsed_tokens[1]
            case 'init'
                __meshctl_parse_subcommand 0 'dir=' 'trust-domain=' 'root-lifetime=' 'o/output=' 'h/help'
            case 'issue'
                __meshctl_parse_subcommand 1 'dir=' 'out=' 'ttl=' 'csr=' 'trust-domain=' 'o/output=' 'h/help'
            case 'serve'
                __meshctl_parse_subcommand 0 'dir=' 'callers=' 'listen=' 'server-name=+' 'default-ttl=' 'max-ttl=' 'trust-domain=' 'o/output=' 'h/help'
            end
        case 'policy-check'
            __meshctl_parse_subcommand 0 'h/help'
            switch $unparsed_tokens[1]
            case 'eval'
                __meshctl_parse_subcommand 0 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'from=' 'from-ip=' 'to=' 'method=' 'path=' 'host=' 'header=+' 'jwt-claims=' 'jwt=' 'provider=+' 'o/output=' 'h/help'
            case 'explain'
                __meshctl_parse_subcommand 0 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'only-namespace=+' 'o/output=' 'h/help'
            case 'lint'
                __meshctl_parse_subcommand 0 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'strict' 'o/output=' 'h/help'
            case 'diff'
                __meshctl_parse_subcommand 2 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'o/output=' 'h/help'
            case 'replay'
                __meshctl_parse_subcommand 0 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'log=' 'o/output=' 'h/help'
            case 'test'
                __meshctl_parse_subcommand 1 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'o/output=' 'h/help'
            case 'translate'
                __meshctl_parse_subcommand 0 'f/file=+' 'root-namespace=' 'trust-domain=' 'trust-domain-alias=+' 'n/namespace=' 'o/output=' 'h/help'
            end
        case 'help'
            __meshctl_parse_subcommand -r 1 
        end
    end
end

function __meshctl_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __meshctl_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __meshctl_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __meshctl_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__meshctl_tokens -p)
    if test -z "$(__meshctl_tokens -t)"
        set -l index (count (__meshctl_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'meshctl' -f
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'ztunnel' -d 'Run the node proxy that carries TCP in HBONE, and ask a running one.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'redirect' -d 'Redirect the traffic of a network namespace through the proxy in it, as istio-cni does.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'ca' -d 'Run a certificate authority for a mesh.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'policy-check' -d 'Say what security policies do before they are applied.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'run' -d 'Serve one workload: capture its TCP, carry it in HBONE, enforce policy.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'status' -d 'Show how a running proxy is doing.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'connections' -d 'List the open connections of a running proxy, oldest first.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'tunnels' -d 'List the HBONE connections of a running proxy with others.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'explain' -d 'Say why a connection goes where it goes, and whether it may.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'config-dump' -d 'Show every record that a running proxy knows, with its settings and certificates.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'config' -d 'Show the settings that "ztunnel run" would start with here, and where each comes from.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'log-level' -d 'Show or change the log levels of a running proxy.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'drain' -d 'End a running proxy in order, as SIGTERM does.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" config' -l 'config' -d 'Workloads, services and policies, YAML. LOCAL_XDS_PATH.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" workload' -l 'workload' -d 'Whose proxy this is. PROXY_WORKLOAD_INFO.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" ca-address' -l 'ca-address' -d 'Authority that issues our certificate. CA_ADDRESS.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" ca-root' -l 'ca-root' -d 'Roots of the authority\'s own certificate, or SYSTEM. CA_ROOT_CA.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" token' -l 'token' -d 'File with the bearer token for the authority. AUTH_TOKEN.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" certificate' -l 'certificate' -d 'Our certificate chain, PEM, instead of an authority.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" key' -l 'key' -d 'The key of --certificate, PEM.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" trust-bundle' -l 'trust-bundle' -d 'The roots that peers are verified against, PEM.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" network' -l 'network' -d 'Network of this node. NETWORK.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" node' -l 'node' -d 'Name of this node; workloads of others are remote. NODE_NAME.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" cluster-id' -l 'cluster-id' -d 'Cluster of this node. CLUSTER_ID.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" trust-domain' -l 'trust-domain' -d 'Trust domain of workloads that name none. TRUST_DOMAIN.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" threads' -l 'threads' -d 'Reactor threads: a number, 0 for all CPUs, or a percentage. ZTUNNEL_WORKER_THREADS.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" packet-mark' -l 'packet-mark' -d 'SO_MARK of our sockets, which redirection lets pass; 1337 with "meshctl redirect". PACKET_MARK.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" drain-deadline' -l 'drain-deadline' -d 'How long connections may go on after SIGTERM, such as 5s. CONNECTION_TERMINATION_DEADLINE.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" log-level' -l 'log-level' -d 'off, error, warn, info, debug, trace; or target=level, comma separated. RUST_LOG.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" log-format' -l 'log-format' -d 'plain or json. LOG_FORMAT.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" outbound-port' -l 'outbound-port' -d 'Port for captured outbound TCP (15001).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" inbound-port' -l 'inbound-port' -d 'Port for HBONE from other proxies (15008).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" inbound-plaintext-port' -l 'inbound-plaintext-port' -d 'Port for captured inbound plaintext (15006).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" admin-port' -l 'admin-port' -d 'Port of the admin pages, on loopback (15000).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" metrics-port' -l 'metrics-port' -d 'Port of /metrics (15020).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" readiness-port' -l 'readiness-port' -d 'Port of /healthz/ready (15021).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel status" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel status" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel connections" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel connections" direction' -l 'direction' -d 'Only inbound or only outbound ones.' -rfka 'inbound outbound'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel connections" match' -l 'match' -d 'Only those with this text in an address, workload, identity or service.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel connections" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel connections" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel tunnels" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel tunnels" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel tunnels" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" from' -l 'from' -d 'Who calls: namespace/name, a uid or an address. Default: the workload of the proxy that is asked.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" to' -l 'to' -d 'What is called: address:port, or hostname:port of a service, short as inside the pod.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" plaintext' -l 'plaintext' -d 'The caller has no proxy: its connection arrives as plaintext.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" dump' -l 'dump' -d 'Ask this config dump, not a running proxy.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" config' -l 'config' -d 'Ask this file of workloads, services and policies.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config-dump" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config-dump" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config-dump" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" config' -l 'config' -d 'Workloads, services and policies, YAML. LOCAL_XDS_PATH.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" workload' -l 'workload' -d 'Whose proxy this is. PROXY_WORKLOAD_INFO.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" ca-address' -l 'ca-address' -d 'Authority that issues our certificate. CA_ADDRESS.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" ca-root' -l 'ca-root' -d 'Roots of the authority\'s own certificate, or SYSTEM. CA_ROOT_CA.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" token' -l 'token' -d 'File with the bearer token for the authority. AUTH_TOKEN.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" certificate' -l 'certificate' -d 'Our certificate chain, PEM, instead of an authority.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" key' -l 'key' -d 'The key of --certificate, PEM.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" trust-bundle' -l 'trust-bundle' -d 'The roots that peers are verified against, PEM.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" network' -l 'network' -d 'Network of this node. NETWORK.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" node' -l 'node' -d 'Name of this node; workloads of others are remote. NODE_NAME.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" cluster-id' -l 'cluster-id' -d 'Cluster of this node. CLUSTER_ID.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" trust-domain' -l 'trust-domain' -d 'Trust domain of workloads that name none. TRUST_DOMAIN.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" threads' -l 'threads' -d 'Reactor threads: a number, 0 for all CPUs, or a percentage. ZTUNNEL_WORKER_THREADS.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" packet-mark' -l 'packet-mark' -d 'SO_MARK of our sockets, which redirection lets pass; 1337 with "meshctl redirect". PACKET_MARK.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" drain-deadline' -l 'drain-deadline' -d 'How long connections may go on after SIGTERM, such as 5s. CONNECTION_TERMINATION_DEADLINE.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" log-level' -l 'log-level' -d 'off, error, warn, info, debug, trace; or target=level, comma separated. RUST_LOG.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" log-format' -l 'log-format' -d 'plain or json. LOG_FORMAT.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" outbound-port' -l 'outbound-port' -d 'Port for captured outbound TCP (15001).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" inbound-port' -l 'inbound-port' -d 'Port for HBONE from other proxies (15008).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" inbound-plaintext-port' -l 'inbound-plaintext-port' -d 'Port for captured inbound plaintext (15006).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" admin-port' -l 'admin-port' -d 'Port of the admin pages, on loopback (15000).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" metrics-port' -l 'metrics-port' -d 'Port of /metrics (15020).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" readiness-port' -l 'readiness-port' -d 'Port of /healthz/ready (15021).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel config" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel log-level" reset' -l 'reset' -d 'Go back to the levels of the start first.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel log-level" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel log-level" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel log-level" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel drain" address' -l 'address' -d 'Admin port of the proxy, address:port. It listens on loopback of the network namespace that it runs in.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel drain" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel drain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl redirect" -eq 1' -fa 'plan' -d 'Print the rules, routes and routing rules of a redirection; needs no privilege.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl redirect" -eq 1' -fa 'apply' -d 'Put redirection into a network namespace; what is there already is not touched.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl redirect" -eq 1' -fa 'verify' -d 'Compare a network namespace with a plan, and prove capture with packets.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl redirect" -eq 1' -fa 'remove' -d 'Take redirection out of a network namespace; nothing there is fine.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" netns' -l 'netns' -d 'Network namespace: a name of `ip netns`, or a path such as /proc/4711/ns/net.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" pid' -l 'pid' -d 'Process in whose network namespace to work.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" ipv6' -l 'ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" no-ipv6' -l 'no-ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" dns' -l 'dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" no-dns' -l 'no-dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" ingress' -l 'ingress' -d 'Leave inbound traffic alone, as for an ingress gateway.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan"' -l 'virtual-interface' -d 'Interface of a virtual machine: TCP from it counts as outbound. Repeat, or separate with commas.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" probe-source' -l 'probe-source' -d 'IPv4 source of the host\'s probes, which are not redirected.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" probe-source-v6' -l 'probe-source-v6' -d 'IPv6 source of the host\'s probes.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect plan" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" netns' -l 'netns' -d 'Network namespace: a name of `ip netns`, or a path such as /proc/4711/ns/net.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" pid' -l 'pid' -d 'Process in whose network namespace to work.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" ipv6' -l 'ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" no-ipv6' -l 'no-ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" dns' -l 'dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" no-dns' -l 'no-dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" ingress' -l 'ingress' -d 'Leave inbound traffic alone, as for an ingress gateway.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply"' -l 'virtual-interface' -d 'Interface of a virtual machine: TCP from it counts as outbound. Repeat, or separate with commas.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" probe-source' -l 'probe-source' -d 'IPv4 source of the host\'s probes, which are not redirected.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" probe-source-v6' -l 'probe-source-v6' -d 'IPv6 source of the host\'s probes.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" dry-run' -l 'dry-run' -d 'Print what would change, and change nothing.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" take-over' -l 'take-over' -d 'Replace tables of these names that another program, such as istio-cni, made differently.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect apply" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" netns' -l 'netns' -d 'Network namespace: a name of `ip netns`, or a path such as /proc/4711/ns/net.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" pid' -l 'pid' -d 'Process in whose network namespace to work.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" ipv6' -l 'ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" no-ipv6' -l 'no-ipv6' -d 'Redirect IPv6 as well.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" dns' -l 'dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" no-dns' -l 'no-dns' -d 'Redirect DNS to port 15053.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" ingress' -l 'ingress' -d 'Leave inbound traffic alone, as for an ingress gateway.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify"' -l 'virtual-interface' -d 'Interface of a virtual machine: TCP from it counts as outbound. Repeat, or separate with commas.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" probe-source' -l 'probe-source' -d 'IPv4 source of the host\'s probes, which are not redirected.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" probe-source-v6' -l 'probe-source-v6' -d 'IPv6 source of the host\'s probes.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" live' -l 'live' -d 'Send packets. With neither flag: where that is possible.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" no-live' -l 'no-live' -d 'Send packets. With neither flag: where that is possible.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect verify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" netns' -l 'netns' -d 'Network namespace: a name of `ip netns`, or a path such as /proc/4711/ns/net.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" pid' -l 'pid' -d 'Process in whose network namespace to work.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" dry-run' -l 'dry-run' -d 'Print what would change, and change nothing.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" any-owner' -l 'any-owner' -d 'Also remove what another program, such as istio-cni, made.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl redirect remove" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ca" -eq 1' -fa 'init' -d 'Make a new authority with its own root.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ca" -eq 1' -fa 'issue' -d 'Make one certificate from an authority\'s folder, without a server.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ca" -eq 1' -fa 'serve' -d 'Serve an authority to ztunnels, meshctl and Istio sidecars.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca init" dir' -l 'dir' -d 'Folder to make the authority in; nothing in it is ever overwritten.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca init" trust-domain' -l 'trust-domain' -d 'Trust domain that the authority signs for.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca init" root-lifetime' -l 'root-lifetime' -d 'How long the root is valid.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca init" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca init" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" dir' -l 'dir' -d 'Folder of the authority.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" out' -l 'out' -d 'Folder for the files; those of an earlier run are replaced.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" ttl' -l 'ttl' -d 'How long the certificate is valid, at most until the authority\'s own end.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" csr' -l 'csr' -d 'Signing request in PEM, instead of a new key.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" trust-domain' -l 'trust-domain' -d 'Trust domain of a folder that has no authority.yaml.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca issue" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" dir' -l 'dir' -d 'Folder of the authority.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" callers' -l 'callers' -d 'Who may ask for which identities.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" listen' -l 'listen' -d 'Address and port to listen on; port 0 takes any free one.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve"' -l 'server-name' -d 'Further DNS name or address under which clients reach the server; may be given several times.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" default-ttl' -l 'default-ttl' -d 'Lifetime of certificates whose request names none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" max-ttl' -l 'max-ttl' -d 'Longest lifetime that a request may name.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" trust-domain' -l 'trust-domain' -d 'Trust domain of a folder that has no authority.yaml.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ca serve" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'eval' -d 'Judge one connection or request, hop by hop.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'explain' -d 'Print which workload reaches which, on which port.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'lint' -d 'Find policies that do not do what they seem to say.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'diff' -d 'Print which flows two sets of manifests judge differently.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'replay' -d 'Judge the traffic of an access log by policies, and print what would change.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'test' -d 'Run unit tests of policies.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl policy-check" -eq 1' -fa 'translate' -d 'Print what node proxies are sent: layer 4 policies, who lists them, status conditions.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval"' -s 'f' -l 'file' -d 'Manifest, folder of manifests, or - for standard input. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" from' -l 'from' -d 'Who asks: namespace/workload, sa:namespace/account, spiffe://…, an address, or none for plaintext.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" from-ip' -l 'from-ip' -d 'Address of the client, where the manifests do not tell it.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" to' -l 'to' -d 'What is asked for: namespace/service:port, namespace/workload:port, host:port or address:port.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" method' -l 'method' -d 'Method of the request.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" path' -l 'path' -d 'Path of the request, with its query.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" host' -l 'host' -d 'Host of the request. Default: the name of the service.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval"' -l 'header' -d 'Header of the request, as name:value. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" jwt-claims' -l 'jwt-claims' -d 'Claims of a valid token, as a JSON object.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" jwt' -l 'jwt' -d 'File with a token, or - for standard input. Its signature and times are taken to be good.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval"' -l 'provider' -d 'Answer of a CUSTOM provider, as name=allow or name=deny. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check eval" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain"' -s 'f' -l 'file' -d 'Manifest, folder of manifests, or - for standard input. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain"' -l 'only-namespace' -d 'Show only workloads and services of this namespace. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain" o output' -l 'output' -s 'o' -d 'How to print the result: text, json, yaml, dot (Graphviz) or svg.' -rfka 'text json yaml dot svg'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint"' -s 'f' -l 'file' -d 'Manifest, folder of manifests, or - for standard input. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" strict' -l 'strict' -d 'Let warnings fail too.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check lint" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff"' -s 'f' -l 'file' -d 'Manifest or folder that both have, such as the workloads. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check diff" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay"' -s 'f' -l 'file' -d 'Manifest, folder of manifests, or - for standard input. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" log' -l 'log' -d 'Access log, or - for standard input.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check replay" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test" o output' -l 'output' -s 'o' -d 'How to print the result: text, json, yaml, tap or junit.' -rfka 'text json yaml tap junit'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check test" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate"' -s 'f' -l 'file' -d 'Manifest, folder of manifests, or - for standard input. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate" root-namespace' -l 'root-namespace' -d 'Namespace whose policies hold for the whole mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate" trust-domain' -l 'trust-domain' -d 'Trust domain of the mesh.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate"' -l 'trust-domain-alias' -d 'Further trust domain of the same trust. Repeat.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate" n namespace' -l 'namespace' -s 'n' -d 'Namespace of objects that name none.' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate" o output' -l 'output' -s 'o' -d 'How to print the result: text for people, json or yaml for programs.' -rfka 'text json yaml'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl policy-check translate" h help' -s 'h' -l 'help' -d 'Show help information.'
