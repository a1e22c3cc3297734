#!/usr/bin/env bash
# Makes the authority of this folder anew, by the meshctl that is named. Expected outputs that quote it change with it.
#
# usage: generate.sh MESHCTL
set -euo pipefail
meshctl=$(realpath "$1")
cd "$(dirname "$(realpath "$0")")"
rm -rf audit .serving ./*.pem ./*.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$meshctl" ca init --dir "$work/ca" --trust-domain cluster.local --trust-domain-alias old.example --root-lifetime 36500d
"$meshctl" ca revoke --dir "$work/ca" 5f3c0a9b --reason keyCompromise
"$meshctl" ca revoke --dir "$work/ca" 0b
"$meshctl" ca rotate --dir "$work/ca" --overlap 365d
cp -r "$work/ca/." .
rm -f .serving
