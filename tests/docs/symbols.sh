#!/bin/sh
# symbols.sh LIBRARY [LIBBIDE_TLS]: docs/symbols-in-versions.txt must list exactly what the libraries export. Without the
# second one the names of bide_tls_ are left out.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
left_out=bide_tls_
[ $# -lt 2 ] || left_out=none
# Leaves out the name of the version, and symbols that compilers add for sanitizers and coverage.
for library; do
	nm -D --defined-only "$library"
done | awk '$2 ~ /[TDBRV]/ { print $3 }' |
	sed 's/@.*//' | grep '^bide_' | sort >"$work/exported"
sed -n 's/^\(bide_[a-z0-9_]*\) [0-9][0-9.]*$/\1/p' docs/symbols-in-versions.txt |
	grep -v "^$left_out" | sort >"$work/listed"
if ! diff "$work/listed" "$work/exported"; then
	echo "docs/symbols-in-versions.txt (<) and the exported symbols (>) differ"
	exit 1
fi
echo "$(wc -l <"$work/listed") symbols"
[ -s "$work/listed" ]
