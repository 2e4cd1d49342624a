#!/bin/sh
# stop.sh SAMPLE: the tool of the tutorial must end in an orderly way by SIGINT and by SIGTERM, with status 128 plus the
# number of the signal. The signal is sent while the tool works. If it comes too early or too late, the test tries again.
set -u

output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT

stops() { # PROGRAM SIGNAL STATUS
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		"$1" 2>"$output" &
		pid=$!
		sleep 0.05
		kill -s "$2" "$pid" 2>/dev/null
		wait "$pid"
		grep -qx "main returned $3" "$output" && return 0
	done
	echo "SIG$2 does not end it with $3; the last time:"
	cat "$output"
	return 1
}

stops "$1" INT 130 && stops "$1" TERM 143
