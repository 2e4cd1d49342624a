#!/bin/sh
# links.sh: every relative link in the documents, and every .Xr to a page of bide, must lead to a file.
# shellcheck disable=SC2013 # names without blanks
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
references=$(sed -n 's/^\.Xr \(bide[a-z_-]*\) \([0-9]\).*/\1.\2/p' docs/man/man*/* | sort -u)
for reference in $references; do
	count=$((count + 1))
	if [ ! -e "docs/man/man${reference##*.}/$reference" ]; then
		echo "a page refers to $reference, which is not there"
		status=1
	fi
done
# The rows of a table in the README must be the same in bench/README.md.
figures=0
grep '^| `' README.md >"${work:=$(mktemp)}"
while read -r row; do
	figures=$((figures + 1))
	if ! grep -qxF -e "$row" bench/README.md; then
		echo "README.md: bench/README.md has another row: $row"
		status=1
	fi
done <"$work"
rm -f "$work"
[ "$figures" -gt 0 ] || { echo "README.md: no figures"; status=1; }
echo "$count links, $figures figures"
[ "$status" -eq 0 ] && [ "$count" -gt 0 ]
