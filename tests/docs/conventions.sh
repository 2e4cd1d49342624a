#!/bin/sh
# conventions.sh: tools/conventions.sh must find every fault of conventions_bad.h, and none in the public headers.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
bad=tests/docs/conventions_bad.h
status=0 count=0
said=$(tools/conventions.sh "$bad") && {
	echo "$bad: no fault found"
	status=1
}
while read -r line; do
	name=$(printf '%s\n' "$line" | sed -n 's/.*\(bide_[a-z_]*\)(\(void\|bide_[a-z]* \*[a-z]*[,)]\|ms)\).*/\1/p; s/.*\*\(bide_[a-z_]*\)(.*/\1/p' | head -n 1)
	fault=$(printf '%s\n' "$line" | sed -n 's|.*/\* \(.*\) \*/$|\1|p')
	[ -n "$name" ] || continue
	count=$((count + 1))
	if ! printf '%s\n' "$said" | grep "^$name: " | grep -qF "$fault"; then
		echo "not found: $name: $fault"
		status=1
	fi
done <"$bad"
printf '%s\n' "$said" | grep -q 'a result below zero' || { echo "not found: a result below zero"; status=1; }
if [ "$count" -lt 14 ]; then
	echo "only $count faults were looked for"
	status=1
fi
tools/conventions.sh || status=1
exit "$status"
