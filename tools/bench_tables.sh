#!/bin/sh
# bench_tables.sh [RESULTS.md]: puts the tables of a run of `./dev bench` into the documents: all of them between the
# marks in bench/README.md, and each row that README.md has in place of its old one. Without a name: the last run. A run
# of some rows only is refused.
set -eu

cd "$(dirname "$0")/.."
tables=${1:-build/bench/results.md}
[ -s "$tables" ] || {
	echo "bench_tables: there is no $tables; run ./dev bench first" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Between the marks; awk ends with 1 if they are not there.
awk -v tables="$tables" '
	/^<!-- bench:end -->$/ { inside = 0; ends++ }
	!inside { print }
	/^<!-- bench:begin -->$/ {
		inside = 1
		while ((getline line < tables) > 0)
			print line
	}
	END { exit ends != 1 }' bench/README.md >"$work/bench"

# The rows of README.md are those of bench/README.md.
awk -F'|' 'NR == FNR { new[$2] = 1; next }
	NF == 7 && $2 ~ /^ `[a-z_0-9]*` $/ && !($2 in new) { print "bench_tables: the run has no row" $2; missing = 1 }
	END { exit missing }' "$tables" README.md >&2

# A row is known by its first cell. The counts have rows of the same name, after those of the tables.
awk -F'|' '
	NR == FNR && NF == 7 && !($2 in rows) { rows[$2] = $0 }
	NR == FNR { next }
	NF == 7 && $2 ~ /^ `/ && $2 in rows { print rows[$2]; next }
	{ print }' "$tables" README.md >"$work/top"

cat "$work/bench" >bench/README.md
cat "$work/top" >README.md
