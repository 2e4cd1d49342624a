#!/bin/sh
# tests/dev/run.sh: ./dev in a checkout that another command works in, and in one that can not be written to. In a
# copy of the scripts alone: what is tested comes before anything is built.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset BIDE_CLAIMED
status=0
writers="demo bench install test lint docs stress fuzz compilers"

# says TEXT COMMAND...: what it prints has the text.
says() {
	text=$1
	shift
	"$@" >"$work/said" 2>&1
	grep -qF -e "$text" "$work/said" && return 0
	echo "not said by $*: $text"
	sed 's/^/    /' "$work/said"
	status=1
}

# says_and_waits TEXT COMMAND...: prints the text, and does not end then.
says_and_waits() {
	text=$1
	shift
	rm -f "$work/said" # what the command before said
	timeout 600 "$@" >"$work/said" 2>&1 &
	pid=$!
	for _ in $(seq 3000); do
		! grep -qsF -e "$text" "$work/said" || break
		sleep 0.1
	done
	if ! kill "$pid" 2>/dev/null || ! grep -qF -e "$text" "$work/said"; then
		echo "not said by $*, or it did not wait: $text"
		sed 's/^/    /' "$work/said"
		status=1
	fi
	wait "$pid" 2>/dev/null
}

fresh_copy() {
	rm -rf "$work/copy"
	mkdir "$work/copy" && cp -r dev tools "$work/copy" && mkdir -p "$work/copy/tests/stress" &&
		: >"$work/copy/tests/stress/none.c" && cd "$work/copy" || exit 1
}

fresh_copy
mkdir build
if command -v flock >/dev/null 2>&1; then
	echo "./dev test, process 4711" >build/.lock
	exec 8<build/.lock
	flock 8
	for command in $writers; do
		says_and_waits "another command works in this checkout: ./dev test, process 4711; waiting" \
			./dev "$command" 8<&-
	done
	says "usage: ./dev COMMAND" ./dev help 8<&-
	says "usage: ./dev test" ./dev test --help 8<&-
	says "usage: ./dev stress" ./dev stress --help 8<&-
	says "usage: ./dev compilers" ./dev compilers --help 8<&-
	exec 8<&-
fi

# A file in the place of the folder: not even root can write there.
rm -rf build
: >build
for command in $writers; do
	says "this checkout can not be written to: $work/copy/build" ./dev "$command"
done
says "usage: ./dev COMMAND" ./dev help

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	rm -f build
	mkdir build
	chmod 755 "$work" "$work/copy"
	says "this checkout can not be written to: $work/copy/build" \
		setpriv --reuid 65534 --clear-groups ./dev test
fi
exit "$status"
