#!/bin/sh
# Checks tools/lost_locals.awk against tests/lint/lost.c: what it reports are exactly the lines marked FOUND.
set -eu
cd -- "$(dirname -- "$0")/../.."
expected=$(grep -n 'FOUND \*/$' tests/lint/lost.c | cut -d: -f1 | tr '\n' ' ')
reported=$(awk -f tools/lost_locals.awk tests/lint/lost.c | cut -d: -f2 | sort -nu | tr '\n' ' ') || true
[ "$expected" = "$reported" ] || {
	echo "lost_locals.awk reports lines $reported, marked are $expected" >&2
	exit 1
}
