#!/bin/sh
# ./dev stress seeds: the suite in simulations, each test once for each seed; see tools/stress.sh.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh

range=1..1000
case ${1:-} in
[0-9]*..[0-9]*)
	range=$1
	shift
	;;
-*) die "stress seeds: there is no option $1" ;;
esac

say "building build/dev ..."
try_build dev || {
	tail -n 40 build/logs/build-dev.log >&2
	die "the build failed; all of it: build/logs/build-dev.log"
}
started=$(date +%s)
logs=build/logs/seeds
rm -rf "$logs"
mkdir -p "$logs"

# The executables around the runner: those with a file test_*.c. The explorer makes orders of its own.
programs() {
	for program in build/dev/tests/test_*; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
		name=${program##*/}
		[ $# -eq 0 ] && echo "$name" && continue
		for part; do
			case $name in *"$part"*) echo "$name" && break ;; esac
		done
	done
}

export BIDE_TEST_SEEDS="$range"
programs "$@" | xargs -P "$(jobs_count)" -I '{}' \
	sh -c "build/dev/tests/{} >$logs/{}.log 2>$logs/{}.err || true; tail -n 2 $logs/{}.log | head -n 1"

# The worlds of the simulated network, which make their simulations themselves.
if [ $# -eq 0 ]; then
	(
		unset BIDE_TEST_SEEDS
		BIDE_NET_SEEDS="$range" build/dev/tests/test_simulated_net_seeds >$logs/worlds.log 2>$logs/worlds.err || true
	)
fi

say "left out:"
cat "$logs"/*.log | sed -n 's/^SKIPPED [^:]*: under seeds: //p' | sort | uniq -c | sort -rn
awk '/^FAILED/ { print FILENAME ": " $0 }' "$logs"/*.log
awk -v seconds="$(($(date +%s) - started))" -v range="$range" '
	/^[a-z_]*: seeds / { runs += $4; schedules += $6 }
	/^[a-z_]*: [0-9]* passed, [0-9]* failed/ { passed += $2; failed += $4; skipped += $6 }
	END {
		printf "%d tests under the seeds %s: %d runs, %d distinct schedules, %d s\n", \
			passed + failed, range, runs, schedules, seconds
		printf "%d passed, %d failed, %d left out\n", passed, failed, skipped
		exit failed > 0 || passed == 0
	}' "$logs"/*.log
