#!/bin/sh
# Runs one test for ctest: run.sh EXECUTABLE [EMULATOR...] for an executable with the runner, run.sh --program
# NAME COMMAND... for any other program, which then gets a summary line of its own.
#
# BIDE_TEST_WRAPPER  a command to put before the executable, e.g. valgrind with its options
# BIDE_TEST_FILTER   parts of names; tests whose names contain none of them are left out
set -u

matches() {
	[ -z "${BIDE_TEST_FILTER:-}" ] && return 0
	for part in $BIDE_TEST_FILTER; do
		case $1 in *"$part"*) return 0 ;; esac
	done
	return 1
}

run_program() {
	name=$1
	shift
	if ! matches "$name"; then
		echo "$name: 0 passed, 0 failed, 0 skipped"
		return 0
	fi
	# A busy machine must fail nothing: the limit is one of CPU time. The clock ends only what hangs.
	factor=${BIDE_TEST_TIME_FACTOR:-1}
	# shellcheck disable=SC3045 # every sh has it
	ulimit -t $((300 * ${factor%%.*}))
	clock=
	! command -v timeout >/dev/null 2>&1 || clock="timeout --foreground 900"
	# shellcheck disable=SC2086 # both are commands with their options
	$clock ${BIDE_TEST_WRAPPER:-} "$@"
	status=$?
	case $status in
	124) echo "FAILED $name: it hangs: ended after half an hour"
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
