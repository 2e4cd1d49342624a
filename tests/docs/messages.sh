#!/bin/sh
# messages.sh: each message of misuse must begin with the function that was called and a colon. Each such function must
# note its place (include/bide/noted.h), be given one, or be on the list below with its reason.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0

# The texts of the calls, one per line. Calls that pass on a text of their caller ("%s") were checked by hand.
grep -rl 'bide_misuse_' src | while read -r file; do
	[ "$file" = src/base/misuse.c ] && continue
	tr '\n' ' ' <"$file" | tr -s ' \t' ' ' |
		grep -oE 'bide_misuse_(at_|in_)?\([^"]{0,90}"[^"]{0,60}' | sed "s|^|$file: |"
done >"$work/calls"
if grep -vE '"((bide_|pthread_)[a-z_%]*|fork|%s(_for)?): ' "$work/calls"; then
	echo "a message of misuse does not begin with the function's name and a colon"
	status=1
fi

# Awaits and statements of async functions name the function; the others are in the header.
excused='^bide_(await|await_large|async_[a-z_]*|task_await|task_is_ready|run|configure|dump)$
^bide_(user_source|task|value_task)_(try_)?(fail|from_error|forget|as_task|wait|wait_for)$
^bide_(with_[a-z_]*|in_context|group_add|group_start|group_wait_reporting)$'
grep -rhoE '"bide_[a-z_]*(: [^"]*)?"' src | sed 's/^"//; s/[:"].*//' | sort -u |
	grep -vE "$excused" >"$work/named"
sed -n 's/^#define \(bide_[a-z0-9_]*\)(.*/\1/p' include/bide/*.h | sort -u >"$work/macros"
sed -n 's/^\(bide_[a-z0-9_]*[a-z0-9]\) [0-9].*/\1/p' docs/symbols-in-versions.txt | sort -u >"$work/functions"
missing=$(comm -12 "$work/named" "$work/functions" | comm -23 - "$work/macros")
if [ -n "$missing" ]; then
	echo "functions that can be misused and note no place (include/bide/noted.h): $(echo "$missing" | tr '\n' ' ')"
	status=1
fi
echo "$(wc -l <"$work/calls") messages"
[ "$status" -eq 0 ] && [ -s "$work/calls" ]
