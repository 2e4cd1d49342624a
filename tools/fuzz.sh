#!/bin/sh
# ./dev fuzz: the fuzzers of tests/fuzz for a while, by libFuzzer where there is one.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh

fuzzers=$(for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	[ "$name" = driver ] || printf '%s ' "$name"
done)
fuzzers=${fuzzers% }

usage() {
	cat <<TEXT
usage: ./dev fuzz [--minutes N] [NAME...]

Feeds inputs to what parses, and to the timing wheel, and compares each outcome with a model
(tests/fuzz). N minutes (default 10) in all; each fuzzer gets its share. With clang and its libFuzzer
the inputs are those that reach new code, under AddressSanitizer and UndefinedBehaviorSanitizer; what
was found interesting stays in build/fuzz-corpus. Without them the inputs are random, and a seed
repeats each.

  --minutes  may be a fraction
  NAME       only these fuzzers: $fuzzers

An input that fails is kept in build/logs, and the command that repeats it is printed. Mend the
mistake and put the input into tests/fuzz/corpus/NAME, where the suite runs it.
TEXT
}

libfuzzer_works() {
	has clang || return 1
	printf 'int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n)\n{ return b == 0 && n == 1; }\n' \
		>build/logs/probe-fuzz.c
	clang -fsanitize=fuzzer,address,undefined build/logs/probe-fuzz.c -o build/logs/probe-fuzz \
		>/dev/null 2>&1 && build/logs/probe-fuzz -runs=1 >/dev/null 2>&1
}

# by_libfuzzer NAME SECONDS
by_libfuzzer() {
	mkdir -p "build/fuzz-corpus/$1"
	"build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$2" -max_len=16384 -timeout=300 -print_final_stats=1 \
		-artifact_prefix="build/logs/fuzz-$1-" "build/fuzz-corpus/$1" "tests/fuzz/corpus/$1"
}

# by_seeds NAME SECONDS: each run begins with another seed.
by_seeds() {
	"build/asan/tests/fuzz/fuzz_$1" --seed "$(date +%s)000000" --seconds "$2"
}

minutes=10 names='' failures=0
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		usage
		exit
		;;
	--minutes)
		[ $# -gt 1 ] || die "--minutes needs a number"
		case $2 in '' | *[!0-9.]*) die "--minutes needs a number, not $2" ;; esac
		minutes=$2
		shift
		;;
	-*)
		usage >&2
		die "fuzz: there is no option $1"
		;;
	*)
		case " $fuzzers " in
		*" $1 "*) names="$names $1" ;;
		*) die "fuzz: there is no $1; there are: $fuzzers" ;;
		esac
		;;
	esac
	shift
done
names=${names:-$fuzzers}

claim fuzz
# shellcheck disable=SC2086,SC2154 # lists of needs, of packages.sh
need "to build the fuzzers" $build_needs $test_needs
want "to fuzz by libFuzzer" clang=clang
# shellcheck disable=SC2046 # a list of needs
want "to fuzz the file server" $(http_parser_need)
if ! libfuzzer_works && has clang; then
	version=$(clang -dumpversion)
	install_packages "to fuzz by libFuzzer" "libclang-rt-${version%%.*}-dev" || true
fi
if libfuzzer_works; then
	build=fuzz way=by_libfuzzer
else
	say "without libFuzzer: random inputs"
	build=asan way=by_seeds
fi
say "building build/$build ..."
if ! try_build "$build" bide_fuzz; then
	tail -n 40 "build/logs/build-$build.log" >&2
	die "the build failed; all of it: build/logs/build-$build.log"
fi
# shellcheck disable=SC2086 # a list of words
seconds=$(awk -v minutes="$minutes" -v count="$(printf '%s\n' $names | wc -l)" \
	'BEGIN { s = int(minutes * 60 / count); print (s > 0 ? s : 1) }')
for name in $names; do
	log=build/logs/fuzz-$name.log
	if [ ! -x "build/$build/tests/fuzz/fuzz_$name" ]; then
		printf '%-8s skipped: it was not built here\n' "$name"
		continue
	fi
	if "$way" "$name" "$seconds" >"$log" 2>&1; then
		printf '%-8s ok: %s\n' "$name" "$(sed -n \
			-e 's/^stat::number_of_executed_units: *\([0-9]*\)/\1 inputs/p' -e 's/^fuzz: //p' "$log" | tail -n 1)"
	else
		failures=$((failures + 1))
		printf '%-8s FAILED; all of it: %s\n' "$name" "$log"
		tail -n 40 "$log" | sed 's/^/    /'
		sed -n "s|^artifact_prefix=.*Test unit written to \(.*\)|build/fuzz/tests/fuzz/fuzz_$name \1|p" "$log"
	fi
done
say "$failures failed"
[ "$failures" -eq 0 ]
