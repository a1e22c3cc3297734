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
                __meshctl_parse_subcommand 0 'config=' 'workload=' 'ca-address=' 'ca-root=' 'token=' 'certificate=' 'key=' 'trust-bundle=' 'network=' 'node=' 'cluster-id=' 'trust-domain=' 'threads=' 'packet-mark=' 'drain-deadline=' 'log-level=' 'log-format=' 'outbound-port=' 'inbound-port=' 'inbound-plaintext-port=' 'metrics-port=' 'readiness-port=' 'h/help'
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
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'ztunnel' -d 'Run the node proxy that carries TCP in HBONE.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'redirect' -d 'Redirect the traffic of a network namespace through the proxy in it, as istio-cni does.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'ca' -d 'Run a certificate authority for a mesh.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_positional "meshctl ztunnel" -eq 1' -fa 'run' -d 'Serve one workload: capture its TCP, carry it in HBONE, enforce policy.'
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
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" metrics-port' -l 'metrics-port' -d 'Port of /metrics (15020).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" readiness-port' -l 'readiness-port' -d 'Port of /healthz/ready (15021).' -rfka ''
complete -c 'meshctl' -n '__meshctl_should_offer_completions_for_flags_or_options "meshctl ztunnel run" h help' -s 'h' -l 'help' -d 'Show help information.'
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
