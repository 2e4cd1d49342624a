#!/bin/sh
# ./dev test: builds and runs the tests in tiers, and adds up what they say.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh
. tools/tiers.sh

quick_tiers=quick
default_tiers="gcc workers2 workers8 uring2 clang asan tsan valgrind goto malloc compile install"
all_tiers="$default_tiers workers3 quick explore coverage arm64 uring"
named_tiers="gcc workers2 workers8 clang asan tsan valgrind goto malloc"

usage() {
	cat <<TEXT
usage: ./dev test [--quick] [--only TIER[,TIER...]] [--minutes N] [NAME...]

  --quick   what to run while you work: less than two minutes on two CPUs, once it is built. The gcc
            build with 1, 2 and 8 workers, each exploration up to 2000 orders, and the compile tests
            by gcc. It leaves out the sanitizers, valgrind, clang, computed goto, the
            installation, the rest of the explorations, and the tests with the label "long".
  --only    only these tiers
  --minutes what is not done after N minutes has failed; for a machine that ends the run then
  NAME      only tests whose name, or whose executable's name, contains it

Tiers, in this order:
  gcc       all tests, optimised, the explorations up to 10000 orders; with one worker, as all tiers
            that do not say otherwise
  workers2  the same build, with 2 workers. The tiers below leave out the tests with the labels "long"
            and "once" (tests/CMakeLists.txt), and what a tier before finds as well.
  workers8  the same build, with 8 workers
  uring2    the tests of input and output by io_uring, with 2 workers; skipped where it cannot be had
  clang     what gcc has, by clang
  asan      under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer: 1, 2, 8 workers
  tsan      under ThreadSanitizer: those that use threads with one worker, all with 2
  valgrind  under memcheck
  goto      with async functions that resume by computed goto
  malloc    under AddressSanitizer, with every frame from malloc (BIDE_POOL=malloc)
  compile   what must not compile, what must, and the headers in each dialect
  install   a program against the installed library

Only by --only:
  workers3  as workers8, with 3 workers: an odd number, and one that waits while two work
  quick     what --quick runs
  explore   all explorations to their end, also the longest: minutes
  coverage  line coverage of src/: it shows what no test runs, and finds no fault
  arm64     built for AArch64 and run by qemu, with 1, 2 and 8 workers: minutes
  uring     what uring2 has and the long tests, with 1, 2 and 8 workers: minutes

The last line is "N passed, N failed, N skipped", summed over the tiers; a tier that can not run here
counts as one skipped. The status is 0 if nothing failed and something passed.
TEXT
}

tiers=$default_tiers
chosen=
names=
while [ $# -gt 0 ]; do
	case $1 in
	--quick) chosen=$quick_tiers ;;
	--only)
		[ $# -gt 1 ] || die "--only needs the names of tiers: $all_tiers"
		shift
		chosen=$(printf '%s' "$1" | tr ',' ' ')
		;;
	--minutes)
		case ${2:-} in
		'' | *[!0-9]*) die "--minutes needs a whole number of minutes" ;;
		esac
		shift
		deadline_s=$(($(date +%s) + 60 * $1))
		;;
	-h | --help)
		usage
		exit
		;;
	-*)
		usage >&2
		die "test: there is no option $1"
		;;
	*) names="$names $1" ;;
	esac
	shift
done
if [ -n "$names" ]; then
	tiers=$named_tiers
	export BIDE_TEST_FILTER="$names"
fi
if [ -n "$chosen" ]; then
	tiers=$chosen
fi
for tier in $tiers; do
	case " $all_tiers " in
	*" $tier "*) ;;
	*) die "there is no tier $tier; there are: $all_tiers" ;;
	esac
done

claim test
# shellcheck disable=SC2086 # lists of needs
need "to build the tests" $build_needs $test_needs
# shellcheck disable=SC2086 # a list of needs
want "for the tests under loops of others" $loop_needs
want "for the tests of the gdb script" gdb=gdb
# shellcheck disable=SC2046,SC2086 # lists of needs
want "for the tests against other software" $(http_parser_need) $external_needs
# shellcheck disable=SC2086 # a list of needs
want "for bide-check and its tests" $check_needs
# shellcheck disable=SC2086 # a list of needs
want "for libbide-tls and its tests" $tls_needs
for tier in $tiers; do
	# shellcheck disable=SC2046 # a list of needs
	want "for the tier $tier" $(tier_wants "$tier")
done

skips_seen=build/logs/skips.txt
: >"$skips_seen"
total_passed=0 total_failed=0 total_skipped=0
for tier in $tiers; do
	run_tier "$tier"
done

if [ $((total_passed + total_failed)) -eq 0 ]; then
	say "no test was run"
	total_failed=1
fi
if [ "$total_failed" -gt 0 ]; then
	say "what failed, once more:"
	print_failures
fi
say "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ]
