#!/bin/sh
# seeds.sh FIRST..LAST COMMAND...: runs the tests of an executable under these seeds. Does not list the tests that are
# skipped there, which ./dev stress seeds does: they would hide what the suite itself skips. A build in which tests take
# long, such as one with a sanitizer, has the first two seeds at most.
set -u

status=0
seeds=$1
shift
if [ -n "${BIDE_TEST_TIME_FACTOR:-}" ] && [ "$((${seeds##*..} - ${seeds%%..*}))" -gt 1 ]; then
	seeds=${seeds%%..*}..$((${seeds%%..*} + 1))
fi
output=$(BIDE_TEST_SEEDS=$seeds "$@") || status=$?
printf '%s\n' "$output" | grep -v -e '^SKIPPED ' -e ' passed, [0-9]* failed, '
exit $status
