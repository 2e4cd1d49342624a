#!/bin/sh
# run.sh BENCH: tests the harness with scripts as participants: good ones, and ones that hang, crash, write nonsense,
# skip, were not built, or do not exist. Checks the table, the JSON lines, the Markdown, the named failures and the
# command of the chart, then the same for several numbers of workers, the counts and targets, and the curves.
set -eu

bench=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peers=$work/peers
mkdir "$peers" "$work/tools" "$work/no_tools"

fail() {
	echo "bench_harness: $1" >&2
	[ ! -f "$work/out" ] || sed 's/^/    /' "$work/out" >&2
	exit 1
}

has() { # TEXT: the output of the last run must have a line with the text
	grep -qF -- "$1" "$work/out" || fail "this is missing: $1"
}

has_not() {
	! grep -qF -- "$1" "$work/out" || fail "this should not be there: $1"
}

# The lines about the host have figures of their own.
lines_of() { # FILE: the lines of participants, without those of the host
	grep -v '"who":"host"' "$1"
}

same() { # FILE: its content must be that of standard input
	cat >"$work/expected"
	diff -u "$work/expected" "$1" >"$work/out" || fail "$1 differs"
}

run() { # STATUS ARGUMENT...: runs the harness, which must end with that status; it finds gnuplot by $search
	expected=$1
	shift
	status=0
	PATH=$search "$bench" --peers "$peers" --limit 3 --rounds 3 "$@" >"$work/out" 2>&1 </dev/null ||
		status=$?
	[ "$status" -eq "$expected" ] || fail "ended with $status instead of $expected: $*"
}

# participant NAME WHO: writes a script. Standard input has the commands that it does not handle well, as cases of
# "$command $bench". A good `run` has three batches; the fastest is 2, 4 and 3 in rounds 1, 2 and 3. With workers it is
# 60 ns divided by their number, and `scale` takes 10 ns per leaf divided by their number.
participant() {
	{
		cat <<-TEXT
			#!/bin/sh
			who=$2
		TEXT
		cat <<'TEXT'
round=0
if [ "${1:-}" = once ]; then
	who=$3 count=$4 ms=$5 command=once bench=sleepers
fi
say() {
	printf '{"bench":"%s","who":"%s",%s}\n' "$bench" "$who" "$1"
}
good() {
	case $command in
	list)
		[ -z "${BENCH_WORKERS:-}" ] ||
			for row in skynet suspend_resume pipeline_overlap hidden_leaf inject; do
				printf '%s_%d %s\nscale %s\n' $row "$BENCH_WORKERS" $who $who
			done
		printf 'ready_await %s\nframe_sync %s\nsleepers %s\nnot_known %s\n.\n' $who $who $who $who
		;;
	run)
		round=$((round + 1))
		if [ -n "${BENCH_WORKERS:-}" ]; then
			say "\"batches\":[$((60 / BENCH_WORKERS))]${counts:-}"
			echo .
			return
		fi
		fastest=$((round == 1 ? 2 : round == 2 ? 4 : 3))
		say "\"unit\":\"ns\",\"batches\":[9.5,$fastest.25,70]"
		echo .
		;;
	scale)
		say "\"batches\":[$((10 * bench / BENCH_WORKERS))]"
		echo .
		;;
	count)
		say '"allocs":2,"bytes":80'
		echo .
		;;
	once)
		say "\"early\":0,\"peak_bytes\":$((1000000 + 100 * count)),\"create_ns\":$((50 * count)),
\"fire_ns\":$((30 * count)),\"total_allocs\":$count,\"total_bytes\":$((100 * count))" | tr -d '\n'
		printf '\n.\n'
		;;
	esac
}
answer() {
	case "$command $bench" in
TEXT
		cat
		cat <<'TEXT'
	*) good ;;
	esac
}
if [ "${1:-}" = once ]; then
	shift
	answer
	exit
fi
while read -r command bench; do
	answer
done
TEXT
	} >"$peers/$1"
	chmod +x "$peers/$1"
}

# ---- all kinds of participants

participant bide bide </dev/null
participant native call </dev/null
participant cpp20 cpp20 <<'TEXT'
	"run ready_await") exec sleep 60 ;;
	"once "*) echo "cannot sleep" >&2; exit 3 ;;
TEXT
participant dotnet dotnet_task <<'TEXT'
	"run ready_await") echo "last words" >&2; kill -SEGV $$ ;;
	"once "*) echo "nothing that one could use" ;;
TEXT
participant go go <<'TEXT'
	"run ready_await") say '"unit":"ns","batches":[1.5,oops]'; echo . ;;
	"once "*) [ "$ms" -ge 6000 ] || [ "$count" -eq 1 ] && good || good | sed 's/"early":0/"early":1/' ;;
TEXT
participant tokio tokio <<'TEXT'
	"run ready_await") echo "skip ready_await not today" ;;
	"run frame_sync") printf '\033[2Jgarbage \001\n.\n' ;;
TEXT
echo "not for this machine" >"$peers/libuv.skip"

cat >"$work/tools/gnuplot" <<'TEXT'
#!/bin/sh
[ "$1" = -c ] && [ -f "$2" ] && [ -s "$3" ] && echo "chart of $3" >"$4"
TEXT
chmod +x "$work/tools/gnuplot"
search=$work/tools:$PATH

results=$work/new/folder/results.jsonl
run 0 --results "$results" ready_await frame_sync
has "libuv: not for this machine; skipped: libuv"
has "cpp20: run ready_await: no answer within 3 s"
has "dotnet: run ready_await: died of signal 11"
has "last words"
has 'go: run ready_await: not understood: {"bench":"ready_await","who":"go","unit":"ns","batches":[1.5,oops]}'
has "tokio: run ready_await skipped: ready_await not today"
has "tokio: run frame_sync: not understood: ?[2Jgarbage ?"
has "1.10 x call (3.25): met"
has "0.75 x malloc: no target here, no malloc"
has "Targets: 1 met, 0 missed, 1 not decided."
grep -qE '^Host: system call [0-9]+ ns; membarrier ' "$work/out" || fail "nothing is said about the host"
for cost in call fence_asleep fence wake_call wake line; do
	grep -qE '"bench":"host_'$cost'","who":"host","value":[0-9.]+,"unit":"ns"' "$results" || fail "no host_$cost"
done
has "results: $results"
has "chart: ${results%.jsonl}.svg"
grep -qF "chart of ${results%.jsonl}.dat" "${results%.jsonl}.svg" || fail "gnuplot got other arguments"

# A participant that failed in one bench is started again for the next.
expect_results() {
	cat <<'TEXT'
{"bench":"ready_await","who":"bide","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"ready_await","who":"call","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"frame_sync","who":"bide","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"frame_sync","who":"call","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"frame_sync","who":"cpp20","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"frame_sync","who":"dotnet_task","value":3.25,"unit":"ns","allocs":null}
{"bench":"frame_sync","who":"go","value":3.25,"unit":"ns","allocs":null}
TEXT
}
lines_of "$results" >"$work/lines"
expect_results | same "$work/lines"
sed '$d' "${results%.jsonl}.md" >"$work/table"
same "$work/table" <<'TEXT'
| bench | bide | best peers | ratio | target |
|---|---|---|---|---|
| `ready_await` | 3.25 ns, 2 alloc | - | - | 1.10 x call (3.25): met |
| `frame_sync` | 3.25 ns, 2 alloc | C++20 3.25, .NET Task 3.25, Go 3.25 | 1.00 | 0.75 x malloc: no target here, no malloc |

TEXT

# ---- sleepers: one process each; a sleep that was too short is repeated with a longer one

run 0 --results "$work/sleepers.jsonl" sleepers
has "cpp20: once sleepers cpp20 1 200: ended with status 3: cannot sleep"
has "dotnet: once sleepers dotnet_task 1 200: not understood: nothing that one could use"
has_not "go: once"
has "1.40 x malloc: no target here, no malloc"
for who in bide call go tokio; do
	grep -qF '"bench":"sleepers_bytes","who":"'$who'","value":100.00,"unit":"bytes"' \
		"$work/sleepers.jsonl" || fail "no bytes of $who"
	grep -qF '"bench":"sleepers_fire","who":"'$who'","value":30.00,"unit":"ns"' \
		"$work/sleepers.jsonl" || fail "no time of $who"
done

# ---- results are appended; no gnuplot; a missing participant

rm "$peers/cpp20" "$peers/dotnet" "$peers/go" "$peers/tokio"
: >"$work/once.jsonl"
for _ in 1 2; do
	search=$work/no_tools
	run 0 --results "$work/once.jsonl" frame_sync
done
search=$work/tools:$PATH
has "chart: skipped, gnuplot is not installed"
[ ! -e "$work/once.svg" ] || fail "a chart without gnuplot"
has "tokio: not built ($peers/tokio: No such file or directory); skipped: tokio"
lines=$(lines_of "$work/once.jsonl" | wc -l)
[ "$lines" -eq 4 ] || fail "$lines lines instead of 4 after two runs"

# ---- several workers: one process for each number of workers, with a table and a chart of their own

participant bide_workers bide </dev/null
participant go go <<'TEXT'
	"run skynet_2") exit 4 ;;
TEXT
run 0 --results "$work/workers.jsonl" skynet frame_sync
has "go: run skynet_2: ended with status 4"
has "rayon: not built ($peers/rayon: No such file or directory); skipped: rayon"
[ "$(grep -c "rayon: not built" "$work/out")" -eq 1 ] || fail "rayon is named twice"
has "chart: $work/workers.svg"
has "chart: $work/workers_workers.svg"
lines_of "$work/workers.jsonl" | grep -v '"call"' >"$work/lines"
same "$work/lines" <<'TEXT'
{"bench":"frame_sync","who":"bide","value":3.25,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"frame_sync","who":"go","value":3.25,"unit":"ns","allocs":null}
{"bench":"skynet_1","who":"bide","value":60.00,"unit":"ns","allocs":2,"bytes":80.0}
{"bench":"skynet_1","who":"go","value":60.00,"unit":"ns","allocs":null}
{"bench":"skynet_2","who":"bide","value":30.00,"unit":"ns","allocs":2,"bytes":80.0}
TEXT
sed '$d' "$work/workers.md" >"$work/table"
same "$work/table" <<'TEXT'
| bench | bide | best peers | ratio | target |
|---|---|---|---|---|
| `frame_sync` | 3.25 ns, 2 alloc | Go 3.25 | 1.00 | 0.75 x malloc: no target here, no malloc |

The scheduler; the name ends in the number of workers:

| bench | bide | best peers | ratio | target |
|---|---|---|---|---|
| `skynet_1` | 60.00 ns, 2 alloc | Go 60.00 | 1.00 | 5.00 x call (60.00): met |
| `skynet_2` | 30.00 ns, 2 alloc | - | - | speed-up 1.90: met, 2.00 |

TEXT

# ---- what the scheduler counts, and targets that are missed

participant threads bare <<'TEXT'
	"run hidden_leaf_2") say '"batches":[1.02]'; echo . ;;
	"run pipeline_overlap_2") say '"batches":[1.61]'; echo . ;;
TEXT
participant native locked <<'TEXT'
	"run suspend_resume_2") say '"batches":[10]'; echo . ;;
TEXT
participant bide_workers bide <<'TEXT'
	"run suspend_resume_2")
		round=$((round + 1))
		say "\"batches\":[100],\"wakes\":3,\"vain_wakes\":2,\"fences\":0.25,\"thefts\":4,\"lone_thefts\":1,
\"system_calls\":$((10 * round))" | tr -d '\n'
		printf '\n.\n'
		;;
	"run skynet_2") say '"batches":[40],"wakes":7'; echo . ;;
	"run hidden_leaf_2") say '"batches":[1.1]'; echo . ;;
	"run pipeline_overlap_2") say '"batches":[1.7]'; echo . ;;
TEXT
run 0 --results "$work/counts.jsonl" suspend_resume_2 skynet hidden_leaf pipeline_overlap inject
has "1.00 x bare (30.0): met"
has_not "dotnet_task:"
has "1.20 x ideal: met"
has "1.50 x ideal: no target here, the machine is busy: bare took 1.61"
has "6.00 x locked (10.0): missed by 1.67x; 10 system calls: missed, 20"
has_not "missed: pipeline_overlap_2"
has "10 system calls: missed, 20"
has "  missed: suspend_resume_2: 10 system calls: missed, 20"
has "  missed: skynet_2: speed-up 1.90: missed, 1.50"
has "What bide's scheduler counted for a million operations"
grep -qE '^suspend_resume_2 +3 +2 +0\.2[0-9]* +4 +1 +20   10 system calls: missed, 20$' "$work/out" ||
	fail "no line of counts"
! grep -qE '^skynet_2 +7 ' "$work/out" || fail "a line with some of the counts was taken"
grep -qF '"wakes":3.0,"vain_wakes":2.0,"fences":0.2,"thefts":4.0,"lone_thefts":1.0,"system_calls":20.0}' \
	"$work/counts.jsonl" || fail "no counts in the results"
# shellcheck disable=SC2016 # these are marks of Markdown
grep -qF '| `suspend_resume_2` | 3 | 2 | 0.2 | 4 | 1 | 20 |' "$work/counts.md" || fail "no counts in the Markdown"

# ---- the curves

cat >"$work/tools/gnuplot" <<'TEXT'
#!/bin/sh
[ -s "$4" ] && echo "$3 of $4: $7 $8" >"$5"
TEXT
run 0 --results "$work/curves.jsonl" --scaling
has "chart: $work/curves_time.svg"
has "chart: $work/curves_speedup.svg"
grep -qF "time of $work/curves.dat: 0 0 " "$work/curves_time.svg" || fail "other arguments"
for line in '"who":"bide","workers":1,"leaves":1000,"value":10000,' \
	'"who":"go","workers":2,"leaves":1000000,"value":5000000,'; do
	grep -qF "$line" "$work/curves.jsonl" || fail "no line with $line"
done
grep -qx '"bide, 2"' "$work/curves.dat" || fail "no curve of bide with 2 workers"
grep -qx '2 2.000' "$work/curves.dat" || fail "no speed-up of 2"
run 2 --scaling skynet
has "--scaling takes no names"

# ---- the page of the benchmarks has each row

run 0 --help
readme=$(dirname "$0")/../../bench/README.md
sed -n 's/^names (all): //p' "$work/out" | sed 's/, or a single row://' | tr ' ' '\n' >"$work/names"
[ "$(wc -l <"$work/names")" -gt 20 ] || fail "--help names no rows"
while read -r row; do
	grep -q "^|.*\`$row" "$readme" || fail "bench/README.md does not have $row"
done <"$work/names"

# ---- errors are reported

printf '#!/bin/sh\necho "no terminal" >&2\nexit 5\n' >"$work/tools/gnuplot"
run 1 --results "$work/once.jsonl" frame_sync
has "bench: no chart: gnuplot ended with status 5: no terminal"
run 1 --results /proc/none/results.jsonl frame_sync
has "bench: cannot write /proc/none/results.jsonl"
run 2 no_such_bench
has 'there is no bench "no_such_bench"; there are: ready_await'
run 2 --rounds 0
has '--rounds takes a number from 1 to'
