#!/bin/sh
# guide_names.sh: each name of bide in the text of the README and the guides must exist.
#
# The test checks names between backquotes, outside code blocks (those are compiled). A word with an underscore has to
# be an identifier of a header, with or without bide_, or of a code block of the same document, or be listed here.
# shellcheck disable=SC2016 # backquotes
set -u
export LC_ALL=C

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Options of the environment and of CMake, benchmarks, and names in which x stands for any name.
others='BIDE_BUILD_BENCH BIDE_BUILD_CHECK BIDE_BUILD_EXAMPLES BIDE_BUILD_TESTS BIDE_DEBUG BIDE_DUMP_ON BIDE_POOL
BIDE_SANITIZE BIDE_SEED BIDE_WORKERS LD_LIBRARY_PATH BIDE_E BIDE_X BIDE_NO_SHORT_x NOT_ON ONLY_ON
frame_sync fork_join_fib_2 ready_await run_await_2 sleepers_bytes suspend_resume task_sync timers_100k
wake_latency_2 test_executor get_data'

cat include/bide/*.h | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$work/headers"
sed -n 's/^bide_//p' "$work/headers" >"$work/short"
echo "$others" | tr ' ' '\n' >"$work/others"
for page in docs/man/man*/*; do # bide_combine(3)
	basename "${page%.?}"
done >>"$work/others"
count=0 status=0
for document in README.md docs/guide/*.md docs/semantics.md docs/conventions.md; do
	awk '/^```/{ inside = !inside } inside' "$document" |
		grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$work/blocks"
	sort -u "$work/headers" "$work/short" "$work/others" "$work/blocks" >"$work/known"
	awk '/^```/{ inside = !inside } !inside' "$document" | grep -oE '`[^`]+`' |
		grep -oE '[A-Za-z0-9_.=/-]+' | sed 's/^[.]//' |
		grep -E '^[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+$' | sort -u >"$work/named"
	count=$((count + $(wc -l <"$work/named")))
	if [ -n "$(comm -23 "$work/named" "$work/known")" ]; then
		echo "$document: these names are in no header:"
		comm -23 "$work/named" "$work/known"
		status=1
	fi
done
echo "$count names"
[ "$status" -eq 0 ] && [ "$count" -gt 100 ]
