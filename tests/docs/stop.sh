#!/bin/sh
# stop.sh SAMPLE: the tool of the tutorial must end in an orderly way by SIGINT and by SIGTERM, with status 128 plus the
# number of the signal. The signal is sent while the tool works. If it comes too early or too late, the test tries again.
set -u

output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT

stops() { # PROGRAM SIGNAL STATUS
	# On a busy machine the program takes longer to begin.
	for pause in 0.05 0.05 0.1 0.2 0.4 0.8 1.6 3.2 0.05 0.05 0.1 0.2 0.4 0.8 1.6 3.2; do
		"$1" 2>"$output" &
		pid=$!
		sleep "$pause"
		kill -s "$2" "$pid" 2>/dev/null
		wait "$pid"
		grep -qx "main returned $3" "$output" && return 0
	done
	echo "SIG$2 does not end it with $3; the last time:"
	cat "$output"
	return 1
}

stops "$1" INT 130 && stops "$1" TERM 143
