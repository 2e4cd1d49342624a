#!/bin/sh
# seeds.sh FIRST..LAST COMMAND...: runs the tests of an executable under these seeds. Does not list the tests that are
# skipped there, which ./dev stress seeds does: they would hide what the suite itself skips.
set -u

status=0
seeds=$1
shift
output=$(BIDE_TEST_SEEDS=$seeds "$@") || status=$?
printf '%s\n' "$output" | grep -v -e '^SKIPPED ' -e ' passed, [0-9]* failed, '
exit $status
