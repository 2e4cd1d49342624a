#!/bin/sh
# Every reference behaviour of docs/behaviours.tsv that is due now is a test, named for it (VT-07:
# VT_07_...), or a row with a reason in docs/semantics.md. A test of the suite.
# shellcheck disable=SC2046 # lists of ids
set -u

cd -- "$(dirname -- "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

find tests -name '*.c' -exec sed -n \
	's/^TEST\(_SLOW\)\{0,1\}(\([A-Z][A-Z]*\)_\([0-9][0-9]\)_.*/\2-\3/p' {} + |
	sort -u >"$work/tests"
# | VT-32 | what | why |
awk -F'|' '
/^## / { here = $0 == "## Behaviours without a test" }
here && /^\| *[A-Z]+-[0-9]+ *\|/ {
	id = $2
	gsub(/ /, "", id)
	if (length($4) < 10)
		print FILENAME ":" FNR ": " id " has no reason" >"/dev/stderr"
	else
		print id
}' docs/semantics.md | sort >"$work/all_rows"
sort -u "$work/all_rows" >"$work/rows"
awk -F'\t' 'NR > 1 { print $1 }' docs/behaviours.tsv | sort >"$work/ids"
awk -F'\t' 'NR > 1 && $3 != "later" { print $1 }' docs/behaviours.tsv | sort >"$work/due"
sort -u "$work/tests" "$work/rows" >"$work/covered"

status=0
# complain TEXT FILE
complain() {
	if [ -s "$2" ]; then
		echo "$1:" $(cat "$2")
		status=1
	fi
}
comm -23 "$work/due" "$work/covered" >"$work/missing"
complain "neither a test nor a row of docs/semantics.md, Behaviours without a test" "$work/missing"
comm -13 "$work/ids" "$work/covered" >"$work/unknown"
complain "not in docs/behaviours.tsv" "$work/unknown"
comm -12 "$work/tests" "$work/rows" >"$work/both"
complain "a test and a row that says there is none" "$work/both"
uniq -d "$work/all_rows" >"$work/twice"
complain "more than one row" "$work/twice"

echo "$(wc -l <"$work/ids") behaviours: $(wc -l <"$work/tests") tested, $(wc -l <"$work/rows") in" \
	"docs/semantics.md, $(($(wc -l <"$work/ids") - $(wc -l <"$work/due"))) later"
[ "$status" -eq 0 ] && [ -s "$work/tests" ]
