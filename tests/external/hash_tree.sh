#!/bin/sh
# hash_tree.sh PROGRAM: examples/hash_tree against cksum, and how it ends by a signal and by its time.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
hash_tree=$1
has cksum || skip "cksum is not installed"

# Small files, an empty one, links, and one that is larger than what is read at once.
mkdir -p "$work/tree/a/b" "$work/tree/c"
for i in $(seq 100); do
	echo "$i" >"$work/tree/a/b/$i"
done
: >"$work/tree/c/empty"
ln -s ../a "$work/tree/c/link"
head -c 3000000 /dev/urandom >"$work/tree/large"
(cd "$work/tree" && find . -type f -exec cksum {} + | LC_ALL=C sort) >"$work/expected"
for workers in 1 2 8; do
	(cd "$work/tree" && BIDE_WORKERS=$workers "$hash_tree" . 2>"$work/log" | LC_ALL=C sort) >"$work/got"
	cmp -s "$work/expected" "$work/got" || fail "$workers workers: it prints other checksums than cksum"
	same "$workers workers" "102 files" "$(cat "$work/log")"
done

"$hash_tree" "$work/none" 2>"$work/log" && fail "a folder that does not exist is no error"
"$hash_tree" "$work/tree" 0 >"$work/got" 2>"$work/log" && fail "it ignores its limit"
grep -q '^hash_tree: ' "$work/log" || fail "it does not say that its time is over"

# A file of zeroes without an end, as far as this test is concerned.
truncate -s 1T "$work/tree/huge" 2>/dev/null || exit "$failed"
"$hash_tree" "$work/tree" >"$work/got" 2>"$work/log" &
program=$!
for _ in $(seq 600); do
	[ ! -s "$work/got" ] || break
	sleep 0.1
done
kill "$program"
wait "$program" && fail "a signal is no error"
same "its last words" "hash_tree: ended by signal 15" "$(cat "$work/log")"
exit "$failed"
