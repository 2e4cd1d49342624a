#!/bin/sh
# fragments.sh FOLDER COMPILER FLAG...: the fragments of the documents must compile without a warning.
set -u

folder=$1
shift
here=$(dirname -- "$0")
count=0 failed=0
for fragment in "$folder"/*.fragment.c; do
	[ -f "$fragment" ] || continue
	count=$((count + 1))
	"$@" -Werror -O1 -I"$here" -I"$here/../../include" -c -o /dev/null "$fragment" ||
		failed=$((failed + 1))
done
echo "$count fragments, $failed do not compile"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
