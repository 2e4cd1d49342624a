#!/bin/sh
# macros.sh COMPILER...: after tests/support/test.h no plain word may be a macro of cmocka, except for fail and fail_msg,
# which tests use: sources that tests include may use any word.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

macros() {
	"$@" -dM -E -Itests/support -xc - | sed -n 's/^#define \([a-z][a-z0-9_]*\).*/\1/p' | LC_ALL=C sort -u
}

sed -n '/^#include <[^c]/p' tests/support/test.h | macros "$@" >"$work/without"
echo '#include "test.h"' | macros "$@" >"$work/with"
words=$(LC_ALL=C comm -13 "$work/without" "$work/with" |
	grep -v -e '^assert_' -e '^assign_.*_cmocka_' -e '^cast_' -e '^cm_' -e '^check_' -e '^cmocka_' -e '^expect_' -e '^has_mock$' -e '^mock' -e '^will_' \
		-e '^pthread_create$' -e '^fail$' -e '^fail_msg$' | paste -s -d ' ')
[ -s "$work/with" ] || exit 1
[ -z "$words" ] || {
	echo "tests/support/test.h leaves macros with plain names: $words"
	exit 1
}
