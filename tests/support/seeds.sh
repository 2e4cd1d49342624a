#!/bin/sh
# seeds.sh FIRST..LAST COMMAND...: runs the tests of an executable under these seeds. Does not list the tests that are
# skipped there, which ./dev stress seeds does: they would hide what the suite itself skips. A build in which tests take
# long, such as one with a sanitizer, has the first two seeds.
set -u

status=0
seeds=$1
shift
[ -z "${BIDE_TEST_TIME_FACTOR:-}" ] || seeds=${seeds%%..*}..$((${seeds%%..*} + 1))
output=$(BIDE_TEST_SEEDS=$seeds "$@") || status=$?
printf '%s\n' "$output" | grep -v -e '^SKIPPED ' -e ' passed, [0-9]* failed, '
exit $status
