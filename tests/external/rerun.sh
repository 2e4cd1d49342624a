#!/bin/sh
# rerun.sh PROGRAM: examples/rerun runs its command anew when a file of the tree has changed, also one of a new directory.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
rerun=$1

# Waits until the command has run at least N times.
await_runs() {
	for _ in $(seq 600); do
		[ "$(grep -c run "$work/got")" -lt "$1" ] || return 0
		sleep 0.05
	done
	fail "there are no $1 runs: $2"
}

mkdir -p "$work/tree/a/b"
: >"$work/got"
"$rerun" "$work/tree" sh -c "echo run >>$work/got; exit 3" 2>"$work/log" &
program=$!
for _ in $(seq 600); do
	! grep -q 'status 3' "$work/log" || break
	! grep -q 'No inotify\|rerun: Function not implemented' "$work/log" || skip "no inotify"
	sleep 0.05
done
same "the runs before a change" 1 "$(grep -c run "$work/got")"
echo x >"$work/tree/a/b/file"
await_runs 2 "a file was written"
runs=$(grep -c run "$work/got")
mkdir -p "$work/tree/new/below"
await_runs $((runs + 1)) "a directory was made"
# It is watched when the command runs again for what is below it, at the latest after some tries.
runs=$(grep -c run "$work/got")
for i in $(seq 100); do
	echo "$i" >"$work/tree/new/below/file"
	sleep 0.1
	[ "$(grep -c run "$work/got")" -le $((runs + 1)) ] || break
done
await_runs $((runs + 1)) "a file of a new directory was written"
kill "$program"
wait "$program" || fail "a signal ends it with an error"
grep -qv '^rerun: status 3$' "$work/log" && fail "it says: $(cat "$work/log")"

"$rerun" "$work/none" true 2>"$work/log" && fail "a folder that does not exist is no error"
exit "$failed"
