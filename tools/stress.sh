#!/bin/sh
# ./dev stress: random mixes under ThreadSanitizer and AddressSanitizer, and the suite under seeds.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh
. tools/tiers.sh

areas=$(for source in tests/stress/*.c; do
	name=$(basename "$source" .c)
	[ "$name" = stress ] || printf '%s ' "$name"
done)
areas=${areas% }

usage() {
	cat <<TEXT
usage: ./dev stress [--minutes N] [--seed S] [NAME...]
       ./dev stress seeds [FIRST..LAST] [NAME...]

The first runs tests/stress: random mixes of everything, with 1, 2, 3 and 8 workers, under
ThreadSanitizer for N minutes (default 10), and then for a fifth of that under AddressSanitizer.
Each program gets its share of the time. Every round has a seed, which build/logs/stress-*.log has
before the round begins; a failure prints it with the command that repeats it.

  --minutes  may be a fraction
  --seed     every round has this seed: the same mix again and again, the interleaving differs
  NAME       only these programs: $areas

The second runs the suite in simulations with the seeds FIRST to LAST (default 1..1000), each test
once for each seed, in a process of its own, and counts the schedules that differ. Tests of threads
and of the real clock are left out, and named. NAME: only executables whose name contains it.
TEXT
}

# run_area BUILD AREA SECONDS: one line, and more if it fails.
run_area() {
	log=build/logs/stress-$1-$2.log
	status=0
	# shellcheck disable=SC2086 # a command with its options, or nothing
	${wrapper:-} "build/$1/tests/stress/stress_$2" --seconds "$3" ${seed:+--seed "$seed"} \
		>"$log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		printf '%-5s %s\n' "$1" "$(sed -n '$s/^stress: //p' "$log")"
		return
	fi
	failures=$((failures + 1))
	printf '%-5s %s: FAILED; all of it: %s\n' "$1" "$2" "$log"
	grep -v '^stress: seed [0-9]* workers [0-9]*: [a-z]*$' "$log" | head -n 80 | sed 's/^/    /'
	grep -q ': ./dev stress --seed' "$log" ||
		sed -n "s|^\(stress: seed \([0-9]*\) workers [0-9]*\): [a-z]*\$|\1: FAILED exit status $status: ./dev stress --seed \2 $2|p" \
			"$log" | tail -n 1
}

# run_areas BUILD SECONDS: so much for all of them together.
run_areas() {
	say "building build/$1 ..."
	if ! try_build "$1" bide_stress; then
		tail -n 40 "build/logs/build-$1.log" >&2
		die "the build failed; all of it: build/logs/build-$1.log"
	fi
	# shellcheck disable=SC2086 # a list of words
	share=$(awk -v all="$2" -v count="$(printf '%s\n' $names | wc -l)" 'BEGIN { print all / count }')
	for area in $names; do
		run_area "$1" "$area" "$share"
	done
}

stress() {
	minutes=10 seed='' names='' failures=0 wrapper=''
	while [ $# -gt 0 ]; do
		case $1 in
		--minutes | --seed)
			[ $# -gt 1 ] || die "$1 needs a number"
			case $2 in '' | *[!0-9.]*) die "$1 needs a number, not $2" ;; esac
			if [ "$1" = --seed ]; then seed=$2; else minutes=$2; fi
			shift
			;;
		-*)
			usage >&2
			die "stress: there is no option $1"
			;;
		*)
			case " $areas " in
			*" $1 "*) names="$names $1" ;;
			*) die "stress: there is no $1; there are: $areas" ;;
			esac
			;;
		esac
		shift
	done
	names=${names:-$areas}
	started=$(date +%s)
	seconds=$(awk -v minutes="$minutes" 'BEGIN { print minutes * 60 }')
	# shellcheck disable=SC2086 # a command with its options
	if sanitizer_works thread ||
		{ wrapper="setarch $(uname -m) -R" && sanitizer_works thread $wrapper; }; then
		# shellcheck disable=SC2154 # of tiers.sh
		TSAN_OPTIONS="halt_on_error=1:${user_tsan_options}" run_areas tsan "$seconds"
	else
		failures=1
		say "programs under ThreadSanitizer do not link or run here"
	fi
	wrapper=
	if sanitizer_works address,undefined; then
		UBSAN_OPTIONS=print_stacktrace=1 run_areas asan \
			"$(awk -v seconds="$seconds" 'BEGIN { print seconds / 5 }')"
	else
		say "without AddressSanitizer: its programs do not link or run here"
	fi
	say "$failures failed, $(($(date +%s) - started)) s"
	[ "$failures" -eq 0 ]
}

case ${1:-} in
-h | --help)
	usage
	exit
	;;
esac
claim stress "$@"
# shellcheck disable=SC2086,SC2154 # lists of needs, of packages.sh
need "to build the stress programs" $build_needs $test_needs
case ${1:-} in
seeds)
	shift
	exec tools/seeds.sh "$@"
	;;
*) stress "$@" ;;
esac
