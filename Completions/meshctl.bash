#!/bin/bash

__meshctl_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__meshctl_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__meshctl_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__meshctl_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_meshctl() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    ztunnel|redirect|ca|policy-check|cert-inspect|help)
        # Offer subcommand argument completions
        "_meshctl_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'ztunnel redirect ca policy-check cert-inspect help' -- "${cur}"))
        ;;
    esac
}

_meshctl_ztunnel() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    run|status|connections|tunnels|explain|config-dump|config|log-level|drain)
        # Offer subcommand argument completions
        "_meshctl_ztunnel_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'run status connections tunnels explain config-dump config log-level drain' -- "${cur}"))
        ;;
    esac
}

_meshctl_ztunnel_run() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--config --manifests --root-namespace --workload --ca-address --ca-root --token --certificate --key --trust-bundle --network --node --cluster-id --trust-domain --threads --packet-mark --drain-deadline --tls-records --log-level --log-format --outbound-port --inbound-port --inbound-plaintext-port --admin-port --metrics-port --readiness-port)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--config')
        return
        ;;
    '--manifests')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--workload')
        return
        ;;
    '--ca-address')
        return
        ;;
    '--ca-root')
        return
        ;;
    '--token')
        return
        ;;
    '--certificate')
        return
        ;;
    '--key')
        return
        ;;
    '--trust-bundle')
        return
        ;;
    '--network')
        return
        ;;
    '--node')
        return
        ;;
    '--cluster-id')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--threads')
        return
        ;;
    '--packet-mark')
        return
        ;;
    '--drain-deadline')
        return
        ;;
    '--tls-records')
        return
        ;;
    '--log-level')
        return
        ;;
    '--log-format')
        return
        ;;
    '--outbound-port')
        return
        ;;
    '--inbound-port')
        return
        ;;
    '--inbound-plaintext-port')
        return
        ;;
    '--admin-port')
        return
        ;;
    '--metrics-port')
        return
        ;;
    '--readiness-port')
        return
        ;;
    esac
}

_meshctl_ztunnel_status() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--address --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_connections() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--address --direction --match --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--direction')
        __meshctl_add_completions -W 'inbound'$'\n''outbound'
        return
        ;;
    '--match')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_tunnels() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--address --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_explain() {
    repeating_flags=()
    non_repeating_flags=(--plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--from --to --dump --config --manifests --root-namespace --address --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--from')
        return
        ;;
    '--to')
        return
        ;;
    '--dump')
        return
        ;;
    '--config')
        return
        ;;
    '--manifests')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_config-dump() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--address --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_config() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--config --manifests --root-namespace --workload --ca-address --ca-root --token --certificate --key --trust-bundle --network --node --cluster-id --trust-domain --threads --packet-mark --drain-deadline --tls-records --log-level --log-format --outbound-port --inbound-port --inbound-plaintext-port --admin-port --metrics-port --readiness-port --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--config')
        return
        ;;
    '--manifests')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--workload')
        return
        ;;
    '--ca-address')
        return
        ;;
    '--ca-root')
        return
        ;;
    '--token')
        return
        ;;
    '--certificate')
        return
        ;;
    '--key')
        return
        ;;
    '--trust-bundle')
        return
        ;;
    '--network')
        return
        ;;
    '--node')
        return
        ;;
    '--cluster-id')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--threads')
        return
        ;;
    '--packet-mark')
        return
        ;;
    '--drain-deadline')
        return
        ;;
    '--tls-records')
        return
        ;;
    '--log-level')
        return
        ;;
    '--log-format')
        return
        ;;
    '--outbound-port')
        return
        ;;
    '--inbound-port')
        return
        ;;
    '--inbound-plaintext-port')
        return
        ;;
    '--admin-port')
        return
        ;;
    '--metrics-port')
        return
        ;;
    '--readiness-port')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_log-level() {
    repeating_flags=()
    non_repeating_flags=(--reset --version -h --help)
    repeating_options=()
    non_repeating_options=(--address --output -o)
    __meshctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ztunnel_drain() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--address --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--address')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_redirect() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    plan|apply|verify|remove)
        # Offer subcommand argument completions
        "_meshctl_redirect_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'plan apply verify remove' -- "${cur}"))
        ;;
    esac
}

_meshctl_redirect_plan() {
    repeating_flags=()
    non_repeating_flags=(--ipv6 --no-ipv6 --dns --no-dns --ingress --version -h --help)
    repeating_options=(--virtual-interface)
    non_repeating_options=(--netns --pid --probe-source --probe-source-v6 --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--netns')
        return
        ;;
    '--pid')
        return
        ;;
    '--virtual-interface')
        return
        ;;
    '--probe-source')
        return
        ;;
    '--probe-source-v6')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_redirect_apply() {
    repeating_flags=()
    non_repeating_flags=(--ipv6 --no-ipv6 --dns --no-dns --ingress --dry-run --take-over --version -h --help)
    repeating_options=(--virtual-interface)
    non_repeating_options=(--netns --pid --probe-source --probe-source-v6 --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--netns')
        return
        ;;
    '--pid')
        return
        ;;
    '--virtual-interface')
        return
        ;;
    '--probe-source')
        return
        ;;
    '--probe-source-v6')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_redirect_verify() {
    repeating_flags=()
    non_repeating_flags=(--ipv6 --no-ipv6 --dns --no-dns --ingress --live --no-live --version -h --help)
    repeating_options=(--virtual-interface)
    non_repeating_options=(--netns --pid --probe-source --probe-source-v6 --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--netns')
        return
        ;;
    '--pid')
        return
        ;;
    '--virtual-interface')
        return
        ;;
    '--probe-source')
        return
        ;;
    '--probe-source-v6')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_redirect_remove() {
    repeating_flags=()
    non_repeating_flags=(--dry-run --any-owner --version -h --help)
    repeating_options=()
    non_repeating_options=(--netns --pid --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--netns')
        return
        ;;
    '--pid')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    init|serve|status|issue|sign|rotate|revoke|crl|bundle|audit)
        # Offer subcommand argument completions
        "_meshctl_ca_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'init serve status issue sign rotate revoke crl bundle audit' -- "${cur}"))
        ;;
    esac
}

_meshctl_ca_init() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(--trust-domain-alias)
    non_repeating_options=(--dir --trust-domain --root-lifetime --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--root-lifetime')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_serve() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --publish-root --no-publish-root --version -h --help)
    repeating_options=(--server-name --cluster-alias --remote-cluster --token-audience --trusted-node-account)
    non_repeating_options=(--dir --listen --default-ttl --max-ttl --trust-domain --http --state --max-requests --caller-rate --caller-burst --callers --inventory --kubeconfig --context --cluster-id --token-issuer --token-keys --authority-secret --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--listen')
        return
        ;;
    '--server-name')
        return
        ;;
    '--default-ttl')
        return
        ;;
    '--max-ttl')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--http')
        return
        ;;
    '--state')
        return
        ;;
    '--max-requests')
        return
        ;;
    '--caller-rate')
        return
        ;;
    '--caller-burst')
        return
        ;;
    '--callers')
        return
        ;;
    '--inventory')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--cluster-id')
        return
        ;;
    '--cluster-alias')
        return
        ;;
    '--remote-cluster')
        return
        ;;
    '--token-audience')
        return
        ;;
    '--trusted-node-account')
        return
        ;;
    '--token-issuer')
        return
        ;;
    '--token-keys')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_status() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_issue() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --out --ttl --csr --output -o)
    __meshctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--out')
        return
        ;;
    '--ttl')
        return
        ;;
    '--csr')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_sign() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --version -h --help)
    repeating_options=()
    non_repeating_options=(--identity --dir --trust-domain --authority-secret --kubeconfig --context --ttl --output -o)
    __meshctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--identity')
        return
        ;;
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--ttl')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_rotate() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --advance --cancel --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --overlap --root-lifetime --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--overlap')
        return
        ;;
    '--root-lifetime')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_revoke() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --reason --output -o)
    __meshctl_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--reason')
        __meshctl_add_completions -W 'keyCompromise'$'\n''authorityCompromise'$'\n''affiliationChanged'$'\n''superseded'$'\n''cessationOfOperation'$'\n''privilegeWithdrawn'
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_crl() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --renew --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --validity --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--validity')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_bundle() {
    repeating_flags=()
    non_repeating_flags=(--kubernetes --version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --trust-domain --authority-secret --kubeconfig --context --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--authority-secret')
        return
        ;;
    '--kubeconfig')
        return
        ;;
    '--context')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_ca_audit() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    verify)
        # Offer subcommand argument completions
        "_meshctl_ca_audit_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'verify' -- "${cur}"))
        ;;
    esac
}

_meshctl_ca_audit_verify() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=(--dir --head --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--dir')
        return
        ;;
    '--head')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_policy-check() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    eval|explain|lint|diff|replay|test|translate)
        # Offer subcommand argument completions
        "_meshctl_policy-check_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'eval explain lint diff replay test translate' -- "${cur}"))
        ;;
    esac
}

_meshctl_policy-check_eval() {
    repeating_flags=()
    non_repeating_flags=(--fetch-keys --version -h --help)
    repeating_options=(-f --file --trust-domain-alias --header --provider --jwks --allow-key-address)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --from --from-ip --to --method --path --host --jwt-claims --jwt --key-roots --now --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--from')
        return
        ;;
    '--from-ip')
        return
        ;;
    '--to')
        return
        ;;
    '--method')
        return
        ;;
    '--path')
        return
        ;;
    '--host')
        return
        ;;
    '--header')
        return
        ;;
    '--jwt-claims')
        return
        ;;
    '--jwt')
        return
        ;;
    '--provider')
        return
        ;;
    '--jwks')
        return
        ;;
    '--key-roots')
        return
        ;;
    '--allow-key-address')
        return
        ;;
    '--now')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_policy-check_explain() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(-f --file --trust-domain-alias --only-namespace)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--only-namespace')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'$'\n''dot'$'\n''svg'
        return
        ;;
    esac
}

_meshctl_policy-check_lint() {
    repeating_flags=()
    non_repeating_flags=(--strict --version -h --help)
    repeating_options=(-f --file --trust-domain-alias)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_policy-check_diff() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(-f --file --trust-domain-alias)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --output -o)
    __meshctl_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_policy-check_replay() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(-f --file --trust-domain-alias)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --log --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--log')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_policy-check_test() {
    repeating_flags=()
    non_repeating_flags=(--fetch-keys --version -h --help)
    repeating_options=(--trust-domain-alias --jwks --allow-key-address)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --key-roots --now --output -o)
    __meshctl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--jwks')
        return
        ;;
    '--key-roots')
        return
        ;;
    '--allow-key-address')
        return
        ;;
    '--now')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'$'\n''tap'$'\n''junit'
        return
        ;;
    esac
}

_meshctl_policy-check_translate() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(-f --file --trust-domain-alias)
    non_repeating_options=(--root-namespace --trust-domain --namespace -n --output -o)
    __meshctl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '-f'|'--file')
        return
        ;;
    '--root-namespace')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--trust-domain-alias')
        return
        ;;
    '--namespace'|'-n')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_cert-inspect() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    show|lint|diff)
        # Offer subcommand argument completions
        "_meshctl_cert-inspect_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'show lint diff' -- "${cur}"))
        ;;
    esac
}

_meshctl_cert-inspect_show() {
    repeating_flags=()
    non_repeating_flags=(--verify --version -h --help)
    repeating_options=(--root --crl)
    non_repeating_options=(--trust-domain --at --cert --key --server-name --timeout --expires-in --output -o)
    __meshctl_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--root')
        return
        ;;
    '--crl')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--at')
        return
        ;;
    '--cert')
        return
        ;;
    '--key')
        return
        ;;
    '--server-name')
        return
        ;;
    '--timeout')
        return
        ;;
    '--expires-in')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'$'\n''pem'
        return
        ;;
    esac
}

_meshctl_cert-inspect_lint() {
    repeating_flags=()
    non_repeating_flags=(--strict --version -h --help)
    repeating_options=(--root --crl)
    non_repeating_options=(--trust-domain --at --cert --key --server-name --timeout --output -o)
    __meshctl_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--root')
        return
        ;;
    '--crl')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--at')
        return
        ;;
    '--cert')
        return
        ;;
    '--key')
        return
        ;;
    '--server-name')
        return
        ;;
    '--timeout')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_cert-inspect_diff() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=(--root --crl)
    non_repeating_options=(--trust-domain --at --cert --key --server-name --timeout --output -o)
    __meshctl_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--root')
        return
        ;;
    '--crl')
        return
        ;;
    '--trust-domain')
        return
        ;;
    '--at')
        return
        ;;
    '--cert')
        return
        ;;
    '--key')
        return
        ;;
    '--server-name')
        return
        ;;
    '--timeout')
        return
        ;;
    '--output'|'-o')
        __meshctl_add_completions -W 'text'$'\n''json'$'\n''yaml'
        return
        ;;
    esac
}

_meshctl_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __meshctl_offer_flags_options -1
}

complete -o filenames -F _meshctl meshctl
