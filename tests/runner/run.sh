#!/bin/sh
# run.sh COMMAND...: checks what the runner says about tests whose time is over, and that it does not say it of others.
set -u

unset BIDE_TEST_TIME_FACTOR BIDE_TEST_SEEDS
said=$("$@" -v 2>/dev/null)
status=0
expect() {
	printf '%s\n' "$said" | grep -q "$1" && return 0
	echo "not said: $1"
	status=1
}
expect '^passed ends '
expect '^passed sleeps_longer_than_its_limit '
# If other programs use the CPUs, the limit by the clock may come first.
expect '^FAILED computes_for_ever: timed out after \(0.2 s of CPU time on each CPU\|2 s\)$'
expect '^FAILED hangs: timed out: it hangs, and computed nothing for 1 s$'
expect '^FAILED waits_for_ever: timed out after 1 s$'
expect '^runner_cases: 3 tests have timed out, so the rest is not run$'
expect '^runner_cases: 2 passed, 3 failed, 0 skipped$'
[ "$status" -eq 0 ] || printf '%s\n' "$said"
exit "$status"
