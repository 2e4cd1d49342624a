#!/bin/sh
# io.sh BENCH_IO: tests the harness of input and output with scripts as participants that measure themselves: good ones,
# and ones that crash, write nonsense, do not offer the row, or do not exist. Checks table, targets, notes and files.
set -eu

bench=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peers=$work/peers
mkdir "$peers"

fail() {
	echo "bench_io_harness: $1" >&2
	[ ! -f "$work/out" ] || sed 's/^/    /' "$work/out" >&2
	exit 1
}

has() { # PATTERN: a line of the last output must match it
	grep -qE -- "$1" "$work/out" || fail "this is missing: $1"
}

run() { # STATUS ARGUMENT...
	expected=$1
	shift
	status=0
	"$bench" --peers "$peers" --rounds 3 --ms 20 --results "$work/io.jsonl" "$@" >"$work/out" 2>&1 </dev/null ||
		status=$?
	[ "$status" -eq "$expected" ] || fail "ended with $status instead of $expected: $*"
}

participant() { # NAME: a script; its text is standard input
	{
		echo '#!/bin/sh'
		cat
	} >"$peers/$1"
	chmod +x "$peers/$1"
}

participant io_bide <<'TEXT'
echo ready
while read -r line; do
	echo "value 70"
done
TEXT
participant io_getline <<'TEXT'
[ "$1 $2" = "read_line 1" ] && [ "$BENCH_WORKERS" = 1 ] || exit 1
echo ready
value=100
while read -r line; do
	echo "value $value"
	value=$((value + 10))
done
TEXT
participant io_fgets <<'TEXT'
echo ready
read -r line
echo "out of order" >&2
exit 3
TEXT
run 0 read_line
has '^read_line +ns +bide +70\.0 .*0\.80 x getline: met$'
has '^ +getline +110\.0 .* 1\.57 *$'
has '^Targets: 1 rows met, 0 missed\.$'
has '^  fgets: read_line: ended with status 3: out of order$'
grep -qF '{"bench":"read_line","who":"getline","unit":"ns","value":110.0000}' "$work/io.jsonl" ||
	fail "the line of getline is not in io.jsonl"
# shellcheck disable=SC2016 # these are marks of Markdown
grep -qF '| `read_line` | 70.0 ns | - | - | getline 110.0 (1.57) | 0.80 x getline: met |' "$work/io.md" ||
	fail "the row is not in io.md"

participant io_tokio <<'TEXT'
echo ready
while read -r line; do
	echo "value 60"
done
TEXT
participant io_go <<'TEXT'
echo "not offered"
TEXT
participant io_dotnet <<'TEXT'
echo ready
read -r line
echo "as you like it"
TEXT
echo "libuv is not installed" >"$peers/io_libuv.skip"
run 0 cancel_read
has '^cancel_read +ns +bide +70 .*ahead of all, not tokio: MISSED$'
has '^  missed: cancel_read '
has '^  libuv: cancel_read: libuv is not installed$'
has '^  bare epoll: cancel_read: not built$'
has '^  \.NET: cancel_read: not understood: as you like it$'
! grep -q 'Go: cancel_read' "$work/out" || fail "Go was named, but a row that is not offered is no failure"

run 2 no_such_row
has 'there is no row "no_such_row"'
run 2 --ms 5
run 0 --help
has '^usage: bench_io'
