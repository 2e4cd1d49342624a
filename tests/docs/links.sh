#!/bin/sh
# links.sh: every relative link in the documents leads to a file; every .Xr to a bide page leads to one.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
status=0 count=0
for document in *.md docs/*.md docs/guide/*.md; do
	[ -f "$document" ] || continue
	for link in $(grep -o '](\([^)#]*\)' "$document" | sed 's/^](//' | grep -v '^[a-z]*:'); do
		count=$((count + 1))
		if [ ! -e "$(dirname -- "$document")/$link" ]; then
			echo "$document: $link is not there"
			status=1
		fi
	done
done
for reference in $(sed -n 's/^\.Xr \(bide[a-z_]*\) \([0-9]\).*/\1.\2/p' docs/man/man*/* | sort -u); do
	count=$((count + 1))
	if [ ! -e "docs/man/man${reference##*.}/$reference" ]; then
		echo "a page refers to $reference, which is not there"
		status=1
	fi
done
echo "$count links"
[ "$status" -eq 0 ] && [ "$count" -gt 0 ]
