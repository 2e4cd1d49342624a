#!/bin/sh
# run.sh BIDE-CHECK FILE...: bide-check must report exactly the lines of each file that end with a comment
# "FOUND: ERE", in words that match the ERE. Both ways to resume are tried, unless a line says
# /* not with computed goto */.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
check=$1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# compare FILE FLAG...: shows the differences. Fails if there are any.
compare() {
	file=$1
	shift
	"$check" "$file" -- -Iinclude "$@" >"$work/out" 2>"$work/errors"
	status=$?
	sed -n 's|^.*/\* FOUND: \(.*\) \*/$|\1|p' "$file" >"$work/texts"
	grep -n '/\* FOUND: ' "$file" | cut -d: -f1 >"$work/lines"
	if [ -s "$work/errors" ]; then
		cat "$work/errors"
		return 1
	fi
	cut -d: -f2 "$work/out" | sort -nu >"$work/reported"
	sort -nu "$work/lines" | diff - "$work/reported" >"$work/difference" || {
		echo "$file: the lines marked FOUND (<) and those reported (>) differ:"
		cat "$work/difference" "$work/out"
		return 1
	}
	paste "$work/lines" "$work/texts" | while read -r line text; do
		grep "^$file:$line:[0-9]*: warning: " "$work/out" | grep -Eq -e "$text" || {
			echo "$file:$line: is not reported as \"$text\", but:"
			grep "^$file:$line:" "$work/out"
			exit 1
		}
	done || return 1
	[ -s "$work/lines" ] && expected=1 || expected=0
	[ "$status" -eq "$expected" ] || {
		echo "$file: status $status, not $expected"
		return 1
	}
}

result=0
for source; do
	compare "$source" || result=1
	grep -q '^/\* not with computed goto \*/$' "$source" || {
		compare "$source" -DBIDE_COMPUTED_GOTO=1 || result=1
	}
done
exit "$result"
