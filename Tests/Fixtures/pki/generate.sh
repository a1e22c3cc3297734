#!/usr/bin/env bash
# Makes every certificate and key of this folder anew. Needs openssl 3.0 or later. The keys guard nothing: tests only.
set -euo pipefail
if [[ "${1:-}" == --help ]]; then
    sed -n '2s/^# //p' "$0"
    exit 0
fi
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f ./*.pem

from=20200101000000Z until=21200101000000Z
past=20210101000000Z future=21190101000000Z

cat >"$work/ca.cnf" <<CONF
[ca]
default_ca = test
[test]
new_certs_dir = $work
database = $work/index
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
organizationName = optional
commonName = optional
CONF
: >"$work/index"

key() { # NAME genpkey-options...
    local name=$1
    shift
    openssl genpkey -out "$name.key.pem" "$@" 2>/dev/null
}
ec=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)

# sign NAME ISSUER|self SUBJECT FROM UNTIL EXTENSIONS...: NAME.pem from NAME.key.pem
sign() {
    local name=$1 issuer=$2 subject=$3 start=$4 end=$5
    shift 5
    printf '%s\n' '[ext]' "$@" >"$work/ext"
    openssl req -new -key "$name.key.pem" -subj "$subject" -out "$work/csr"
    local by=(-selfsign -keyfile "$name.key.pem")
    [[ $issuer == self ]] || by=(-cert "$issuer.pem" -keyfile "$issuer.key.pem")
    openssl ca -batch -notext -config "$work/ca.cnf" "${by[@]}" -in "$work/csr" -out "$name.pem" \
        -startdate "$start" -enddate "$end" -extfile "$work/ext" -extensions ext 2>"$work/log" || { cat "$work/log"; exit 1; }
}

authority=('basicConstraints = critical, CA:TRUE' 'keyUsage = critical, keyCertSign, cRLSign' 'subjectKeyIdentifier = hash')
# Without key identifiers, roots of one name are told apart by their signatures alone.
bare=('subjectKeyIdentifier = none' 'authorityKeyIdentifier = none')
plain=('basicConstraints = critical, CA:TRUE' 'keyUsage = critical, keyCertSign, cRLSign' "${bare[@]}")
usage=('keyUsage = critical, digitalSignature' 'basicConstraints = critical, CA:FALSE')
both=("${usage[@]}" 'extendedKeyUsage = serverAuth, clientAuth')
san() { echo "subjectAltName = critical, $1"; }

key root "${ec[@]}"
sign root self "/O=cluster.local" $from $until "${authority[@]}"
key impostor-root "${ec[@]}"
sign impostor-root self "/O=cluster.local" $from $until "${plain[@]}"
key renewed-root "${ec[@]}"
sign renewed-root self "/O=cluster.local" $from $until "${authority[@]}"
key other-root "${ec[@]}"
sign other-root self "/O=other root" $from $until "${authority[@]}"
key intermediate "${ec[@]}"
sign intermediate root "/O=cluster.local/CN=intermediate" $from $until "${authority[@]}"

leaf() { # NAME ISSUER FROM UNTIL SAN [EXTENSIONS...]
    local name=$1 issuer=$2 start=$3 end=$4 names=$5
    shift 5
    [[ -f "$name.key.pem" ]] || key "$name" "${ec[@]}"
    sign "$name" "$issuer" "/" "$start" "$end" "$(san "$names")" "$@"
}
cluster=spiffe://cluster.local/ns
leaf front root $from $until "URI:$cluster/web/sa/front" "${both[@]}"
leaf cart root $from $until "URI:$cluster/shop/sa/cart" "${both[@]}"
leaf chained intermediate $from $until "URI:$cluster/web/sa/chained" "${both[@]}"
cat intermediate.pem >>chained.pem
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
leaf rsa root $from $until "URI:$cluster/web/sa/rsa" "${both[@]}"
key ed25519 -algorithm ED25519
leaf ed25519 root $from $until "URI:$cluster/web/sa/ed25519" "${both[@]}"
leaf no-usage root $from $until "URI:$cluster/web/sa/no-usage" "${usage[@]}"
leaf server-only root $from $until "URI:$cluster/web/sa/server-only" "${usage[@]}" 'extendedKeyUsage = serverAuth'
leaf expired root $from $past "URI:$cluster/web/sa/expired" "${both[@]}"
leaf early root $future $until "URI:$cluster/web/sa/early" "${both[@]}"
leaf stranger other-root $from $until "URI:$cluster/web/sa/stranger" "${both[@]}"
leaf impostor impostor-root $from $until "URI:$cluster/web/sa/impostor" "${both[@]}" "${bare[@]}"
leaf renewed renewed-root $from $until "URI:$cluster/web/sa/renewed" "${both[@]}"
leaf foreign root $from $until "URI:spiffe://example.org/ns/web/sa/foreign" "${both[@]}"
leaf no-identity root $from $until "URI:https://example.org/front, DNS:front.example.org" "${both[@]}"
leaf mixed root $from $until "URI:https://example.org/x, URI:$cluster/web/sa/mixed, DNS:mixed" "${both[@]}"
leaf twice root $from $until "URI:spiffe://example.org/ns/web/sa/first, URI:$cluster/web/sa/second" "${both[@]}"

openssl pkcs8 -topk8 -in front.key.pem -passout pass:secret -out front.encrypted.key.pem
# Kept: what a test reads. The keys of authorities are not needed to run them.
rm -f root.key.pem {impostor,renewed,other}-root.key.pem intermediate.key.pem intermediate.pem
