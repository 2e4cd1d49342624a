#!/bin/sh
# Runs one test for ctest: run.sh EXECUTABLE [EMULATOR...] for an executable with the runner, run.sh --program
# NAME COMMAND... for any other program, which then gets a summary line of its own.
#
# BIDE_TEST_WRAPPER  a command to put before the executable, e.g. valgrind with its options
# BIDE_TEST_FILTER   parts of names; tests whose names contain none of them are left out
set -u

# A busy machine must fail nothing, so the limit is one of CPU time, for each process. The clock ends only what hangs:
# what computes nearly nothing for a minute, and what goes on for ten.
cpu_max_s=100 idle_max_s=60 clock_max_s=600

matches() {
	[ -z "${BIDE_TEST_FILTER:-}" ] && return 0
	for part in $BIDE_TEST_FILTER; do
		case $1 in *"$part"*) return 0 ;; esac
	done
	return 1
}

# ticks_of PROCESS: the CPU time, in ticks of 10 ms, of the process and of what descends from it.
ticks_of() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
		{
			pid = $1
			sub(/^.*\) /, "")
			parent[pid] = $2
			ticks[pid] = $12 + $13 + $14 + $15
		}
		END {
			for (pid in parent) {
				for (at = pid; at in parent && at != root; at = parent[at])
					;
				if (at == root)
					sum += ticks[pid]
			}
			print sum + 0
		}'
}

# watch SHELL FILE: ends the process that the file names if it hangs, and then adds a word to the file; or if the
# shell has gone.
watch() {
	trap '' HUP INT TERM # what ends the shell must not end this
	idle_s=0 last_ticks=0
	while sleep 2; do
		read -r process 2>/dev/null <"$2" || continue
		if ! kill -0 "$1" 2>/dev/null; then
			kill "$process"
			rm -f "$2"
			return
		fi
		idle_s=$((idle_s + 2))
		[ "$idle_s" -ge "$idle_max_s" ] || continue
		ticks=$(ticks_of "$process")
		if [ $((ticks - last_ticks)) -lt 15 ]; then
			echo idle >>"$2"
			kill "$process"
			return
		fi
		idle_s=0 last_ticks=$ticks
	done
}

# limited COMMAND...: returns its status, 124 if it took too long, 125 if it hung. It has a process group of its own, so
# that nothing is left of it.
limited() {
	factor=${BIDE_TEST_TIME_FACTOR:-1}
	# shellcheck disable=SC3045 # every sh has it
	ulimit -t $((cpu_max_s * ${factor%%.*}))
	if ! command -v timeout >/dev/null 2>&1; then
		"$@"
		return
	fi
	process_file=$(mktemp) || return
	watch "$$" "$process_file" >/dev/null 2>&1 &
	watcher=$!
	# shellcheck disable=SC2016 # the inner shell expands it
	sh -c 'echo "$$" >"$0" && exec timeout --kill-after=5 "$@"' "$process_file" "$clock_max_s" "$@"
	limited_status=$?
	kill -KILL "$watcher" 2>/dev/null
	wait "$watcher" 2>/dev/null
	[ "$(sed -n 2p "$process_file")" != idle ] || limited_status=125
	rm -f "$process_file"
	return "$limited_status"
}

run_program() {
	name=$1
	shift
	if ! matches "$name"; then
		echo "$name: 0 passed, 0 failed, 0 skipped"
		return 0
	fi
	# shellcheck disable=SC2086 # a command with its options
	limited ${BIDE_TEST_WRAPPER:-} "$@"
	status=$?
	case $status in
	124) echo "FAILED $name: ended after $clock_max_s s"
		echo "$name: 0 passed, 1 failed, 0 skipped" ;;
	125) echo "FAILED $name: it hangs, and computed nothing for $idle_max_s s"
		echo "$name: 0 passed, 1 failed, 0 skipped" ;;
	0) echo "$name: 1 passed, 0 failed, 0 skipped" ;;
	77) echo "SKIPPED $name: exit status 77"
		echo "$name: 0 passed, 0 failed, 1 skipped" ;;
	*) echo "FAILED $name: exit status $status"
		echo "$name: 0 passed, 1 failed, 0 skipped" ;;
	esac
	return $status
}

if [ "$1" = --program ]; then
	shift
	run_program "$@"
	exit
fi

# The name of an executable selects all of its tests.
filter=${BIDE_TEST_FILTER:-}
executable=$1
shift
if [ -n "$filter" ] && matches "${executable##*/}"; then
	filter=
fi
# shellcheck disable=SC2086 # both are lists of words
exec ${BIDE_TEST_WRAPPER:-} "$@" "$executable" $filter
