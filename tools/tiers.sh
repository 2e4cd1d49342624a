# The tiers of ./dev test. Sourced by test.sh.
#
# tier_NAME runs one tier and leaves its counts in passed, failed and skipped; what is worth reading
# besides it writes to $details. A tier that can not run calls skip_tier.
# shellcheck shell=sh disable=SC2034,SC2154 # names are shared with test.sh

# One worker, but for the tiers that say otherwise.
export BIDE_WORKERS=1
user_asan_options=${ASAN_OPTIONS:-}
user_tsan_options=${TSAN_OPTIONS:-}

# The extra packages a tier would like to have; without them it is skipped, whole or in part.
tier_wants() {
	case $1 in
	clang) echo clang=clang ;;
	valgrind) echo valgrind=valgrind ;;
	compile) echo "g++=g++ clang=clang musl-gcc=musl-tools" ;;
	install) echo "g++=g++ nm=binutils" ;;
	coverage) echo gcovr=gcovr ;;
	arm64)
		echo "aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu aarch64-linux-gnu-g++=g++-aarch64-linux-gnu"
		echo "/usr/aarch64-linux-gnu/include/stdlib.h=libc6-dev-arm64-cross qemu-aarch64=qemu-user"
		;;
	esac
}

run_tier() {
	passed=0 failed=0 skipped=0 skip_reason=
	details=build/logs/tier-$1.txt
	: >"$details"
	rm -f "build/logs/tests-$1.log"
	started=$(date +%s)
	say "tier $1 begins; build/logs has what it prints"
	if time_is_over; then
		failed=1
		say "FAILED $1: the time was over before it began" >>"$details"
	else
		"tier_$1"
	fi
	seconds=$(($(date +%s) - started))
	if [ -n "$skip_reason" ]; then
		printf '%-9s skipped: %s\n' "$1" "$skip_reason"
	else
		printf '%-9s %5d passed %4d failed %4d skipped %5d s\n' "$1" "$passed" "$failed" \
			"$skipped" "$seconds"
	fi
	print_details
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	total_skipped=$((total_skipped + skipped))
}

# Indented; a skipped test is named by the first tier that skips it only.
print_details() {
	awk -v seen_file="$skips_seen" '
		BEGIN { while ((getline line <seen_file) > 0) seen[line] = 1 }
		/^SKIPPED / { if (seen[$0]) next; print >>seen_file }
		{ print "    " $0 }' "$details"
}

# What failed, with the end of what it printed, and then the names alone: the last lines are what one sees.
print_failures() {
	for tier in $tiers; do
		awk -v tier="$tier" -f tools/failures.awk "build/logs/tier-$tier.txt"
	done
	for tier in $tiers; do
		sed -n "s/^\(FAILED \|---- .* crashed\|the build failed\)/$tier: &/p" "build/logs/tier-$tier.txt"
	done
}

skip_tier() {
	skip_reason=$1
	skipped=1
}

# build_for_tier PRESET [TARGET]: false, and one failure, when it does not build.
build_for_tier() {
	try_build "$@" && return 0
	failed=1
	{
		! time_is_over || say "FAILED $tier: the time was over while it was built"
		say "the build failed; all of it: build/logs/build-$1.log"
		tail -n 60 "build/logs/build-$1.log"
	} >>"$details"
	return 1
}

# suite PRESET [CTEST OPTION...]: runs what is built and counts. Many tests wait, so there are two for each CPU. The
# runner and run.sh (tests/support) limit the time of each test, by CPU time; ctest's own limit is for what escapes them.
suite() {
	preset=$1
	shift
	log=build/$preset/Testing/Temporary/LastTest.log
	rm -f "$log" "$log.tmp"
	within ctest --test-dir "build/$preset" --parallel "$((2 * $(jobs_count)))" --timeout 14400 \
		"$@" >"build/logs/ctest-$preset.log" 2>&1 || true
	if time_is_over; then
		failed=$((failed + 1))
		awk -v tier="$tier" -f tools/unfinished.awk "build/logs/ctest-$preset.log" >>"$details"
	fi
	[ -f "$log" ] || log=$log.tmp # it was ended
	if [ ! -f "$log" ]; then
		failed=$((failed + 1))
		tail -n 20 "build/logs/ctest-$preset.log" >>"$details"
		return
	fi
	cat "$log" >>"build/logs/tests-${tier:-$preset}.log"
	counts=$(awk -v details="$details" -f tools/count.awk "$log")
	add_counts "$counts"
	if [ "$failed" -gt 0 ]; then
		say "the whole output: build/logs/tests-${tier:-$preset}.log" >>"$details"
	fi
}

# add_counts "PASSED FAILED SKIPPED"
add_counts() {
	# shellcheck disable=SC2086 # three numbers
	set -- $1
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# script_tier COMMAND...: a script that ends with "name: N passed, N failed, N skipped".
script_tier() {
	output=build/logs/script-$tier.log
	within "$@" >"$output" 2>&1 || true
	! time_is_over || say "FAILED $tier: the time was over" >>"$details"
	counts=$(sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' \
		"$output" | tail -n 1)
	add_counts "${counts:-0 1 0}"
	if [ "$failed" -gt 0 ]; then
		tail -n 200 "$output" >>"$details"
	else
		grep '^SKIPPED' "$output" >>"$details" || true
	fi
}

# Labels that only the tier gcc has, and in part the tier workers2.
rare='^(long|once)$'

# Whole explorations take minutes, so the tier explore has them. A million connections are for two workers.
tier_gcc() {
	build_for_tier dev || return 0
	export BIDE_EXPLORE_ORDERS=10000
	suite dev --exclude-regex '^(test_explore_sleep_slow|net_accepts_million)$'
	unset BIDE_EXPLORE_ORDERS
}

# All explorations to their end.
tier_explore() {
	build_for_tier dev || return 0
	suite dev --tests-regex "$explorer"
}

# What one runs while one works. It leaves out what has the label "long" (see tests/CMakeLists.txt), and ends each
# exploration early.
tier_quick() {
	build_for_tier dev || return 0
	export BIDE_EXPLORE_ORDERS=2000
	suite dev --label-exclude '^long$'
	unset BIDE_EXPLORE_ORDERS
	for count in 2 8; do
		with_workers "$count" suite dev --label-exclude '^long$' --exclude-regex "$workers_mean_nothing"
	done
	[ -n "${BIDE_TEST_FILTER:-}" ] || script_tier tests/compile/run.sh gcc
}

# with_workers COUNT COMMAND...: a program that does not say itself how many workers it wants has COUNT.
# These have nothing to do with workers, or choose their number themselves, or are simulations, which have one thread.
workers_mean_nothing='^(bare_metal$|bench_|check_|doc_|fuzz_|gdb_|lint_|seeds_|stress_|test_explore)|_seeded$'
# The explorer has a compiler's view of its own, whatever the tier. It runs in gcc, and begins in clang.
explorer='^test_explore'
# These compile for themselves, or are built like the library but find no more than others do in such a build: the
# tests under seeds, and a program that runs as a simulation, too.
repeats='^(bare_metal$|seeds_|test_explore)|_seeded$'
with_workers() {
	export BIDE_WORKERS="$1"
	shift
	"$@"
	export BIDE_WORKERS=1
}

tier_workers2() {
	build_for_tier dev || return 0
	with_workers 2 suite dev --exclude-regex "$workers_mean_nothing"
}

# What has the label "long" runs in the tiers gcc and workers2.
tier_workers8() {
	build_for_tier dev || return 0
	with_workers 8 suite dev --label-exclude '^long$' --exclude-regex "$workers_mean_nothing"
}

tier_workers3() {
	build_for_tier dev || return 0
	with_workers 3 suite dev --label-exclude '^long$' --exclude-regex "$workers_mean_nothing"
}

# The tests of what uses the room io, and those of them that a real engine has nothing to do with.
uses_io='^(external|net|test|stress)_.*(accept|address|buffer|connect|cut|engine|fd_wait|file_stream|hostile|http|loop|net|process'
uses_io="$uses_io|reactor|request|resolve|serve|signals|stream|tls|udp)"
has_no_engine='explore|simulated|_seeded$'

# by_uring COMMAND...: with io_uring as the engine, if there is one here.
by_uring() {
	build_for_tier dev || return 0
	export BIDE_IO=uring
	why=$(build/dev/tests/test_engine the_environment_chooses_the_engine | sed -n 's/^SKIPPED [^:]*: //p')
	if [ -n "$why" ]; then
		skip_tier "$why"
	else
		"$@"
	fi
	unset BIDE_IO
}

all_by_uring() {
	suite dev --tests-regex "$uses_io" --exclude-regex "$has_no_engine|net_accepts_million"
	with_workers 2 suite dev --tests-regex "$uses_io" --exclude-regex "$has_no_engine"
	with_workers 8 suite dev --label-exclude '^long$' --tests-regex "$uses_io" --exclude-regex "$has_no_engine"
}

tier_uring() {
	by_uring all_by_uring
}

# Some seconds.
tier_uring2() {
	by_uring with_workers 2 suite dev --label-exclude '^long$' --tests-regex "$uses_io" \
		--exclude-regex "^(external|net)_|$has_no_engine"
}

tier_clang() {
	if ! has clang; then
		skip_tier "clang is not installed"
		return
	fi
	build_for_tier clang || return 0
	export BIDE_EXPLORE_ORDERS=200
	suite clang --label-exclude "$rare"
	unset BIDE_EXPLORE_ORDERS
}

# sanitizer_works NAMES [WRAPPER...]: can a program be linked and run with it here? Containers may
# forbid what it needs.
sanitizer_works() {
	sanitizer=$1
	shift
	printf 'int main(void) { return 0; }\n' >build/logs/probe.c
	cc "-fsanitize=$sanitizer" build/logs/probe.c -o build/logs/probe >/dev/null 2>&1 &&
		"$@" build/logs/probe >/dev/null 2>&1
}

# asan_suites LEFT_OUT WORKERS...: the tests under AddressSanitizer, with each number of workers.
asan_suites() {
	left_out=$1
	shift
	no_leaks=
	if ! sanitizer_works address,undefined; then
		no_leaks=detect_leaks=0
		if ! sanitizer_works address,undefined env "ASAN_OPTIONS=$no_leaks"; then
			skip_tier "programs under AddressSanitizer do not link or run here"
			return
		fi
		say "without the check for leaks: this machine does not let it run" >>"$details"
	fi
	build_for_tier asan || return 0
	export BIDE_TEST_TIME_FACTOR=4
	export ASAN_OPTIONS="$no_leaks:${user_asan_options}" UBSAN_OPTIONS=print_stacktrace=1
	for count; do
		case $count in
		1) suite asan --label-exclude "$rare" --exclude-regex "$left_out" ;;
		*)
			with_workers "$count" suite asan --label-exclude "$rare" \
				--exclude-regex "$workers_mean_nothing"
			;;
		esac
	done
	unset BIDE_TEST_TIME_FACTOR ASAN_OPTIONS
}

tier_asan() {
	asan_suites '^bare_metal$' 1 2 8
}

# The tier asan has what orders by seeds, the inputs of fuzzers and bide-check find.
tier_malloc() {
	export BIDE_POOL=malloc
	asan_suites "$repeats|^(check_|fuzz_|test_simulated_net_seeds$)" 1
	unset BIDE_POOL
}

# Older ThreadSanitizers can not stand as much address randomisation as newer kernels have.
tier_tsan() {
	tsan_wrapper=
	if ! sanitizer_works thread; then
		tsan_wrapper="setarch $(uname -m) -R"
		# shellcheck disable=SC2086 # a command with its options
		if ! sanitizer_works thread $tsan_wrapper; then
			skip_tier "programs under ThreadSanitizer do not link or run here"
			return
		fi
	fi
	build_for_tier tsan || return 0
	export BIDE_TEST_TIME_FACTOR=10 BIDE_TEST_WRAPPER="$tsan_wrapper"
	export TSAN_OPTIONS="die_after_fork=0:${user_tsan_options}"
	# With one worker what uses other threads; with two every test does.
	suite tsan --label-regex '^threads$' --label-exclude '^long$'
	with_workers 2 suite tsan --label-exclude '^long$' --exclude-regex "$workers_mean_nothing"
	unset BIDE_TEST_TIME_FACTOR BIDE_TEST_WRAPPER
}

tier_valgrind() {
	if ! has valgrind; then
		skip_tier "valgrind is not installed"
		return
	fi
	build_for_tier dev || return 0
	export BIDE_TEST_TIME_FACTOR=10 BIDE_TEST_NO_THREADS=1
	export BIDE_TEST_WRAPPER="valgrind --quiet --error-exitcode=99 --leak-check=full \
--show-leak-kinds=definite --errors-for-leak-kinds=definite --fair-sched=try"
	# OpenSSL computes for minutes here; test_tls_limits stays.
	suite dev --label-exclude '^slow$' --exclude-regex "$repeats|^sample_|^test_(simulated_net_seeds|tls(_memory|_duplex|_names|_cut)?)$"
	unset BIDE_TEST_TIME_FACTOR BIDE_TEST_NO_THREADS BIDE_TEST_WRAPPER
}

tier_goto() {
	build_for_tier goto || return 0
	suite goto --label-exclude "$rare" --exclude-regex "$repeats"
}

tier_compile() {
	script_tier tests/compile/run.sh gcc clang
}

tier_install() {
	build_for_tier dev || return 0
	script_tier tests/install/run.sh build/dev
}

tier_coverage() {
	if ! has gcovr || ! has gcov; then
		skip_tier "gcovr is not installed"
		return
	fi
	build_for_tier coverage || return 0
	find build/coverage -name '*.gcda' -exec rm -f {} +
	suite coverage --label-exclude "$rare" --exclude-regex "$repeats"
	# Only the library's own objects: gcov would take long for those of the tests, and they are filtered out.
	# A thread that ends within a function can make gcov print a count below 0, which gcovr does not read.
	if ! within gcovr --root . --gcov-ignore-parse-errors --filter src/ --csv build/coverage/lines.csv \
		build/coverage/CMakeFiles/bide_objects.dir \
		>build/logs/gcovr.log 2>&1; then
		failed=$((failed + 1))
		cat build/logs/gcovr.log >>"$details"
		return
	fi
	awk -F, -f tools/coverage.awk build/coverage/lines.csv >>"$details"
}

# One build, in which the emulator's mistake is gone round (tests/support/emulated.h), with each number of
# workers. What has nothing to do with the machine is left to the other tiers.
tier_arm64() {
	if [ "$(uname -m)" = aarch64 ]; then
		skip_tier "this machine is one: the other tiers run on it"
		return
	fi
	if ! has aarch64-linux-gnu-gcc || ! has qemu-aarch64; then
		skip_tier "gcc-aarch64-linux-gnu and qemu-user are not installed"
		return
	fi
	if ! unpack_foreign arm64 build/cross/arm64 libcmocka-dev libcmocka0; then
		skip_tier "there is no cmocka for arm64 (build/logs/foreign.log)"
		return
	fi
	build_for_tier arm64 || return 0
	export BIDE_TEST_TIME_FACTOR=5
	suite arm64 --label-exclude '^slow$' --exclude-regex "$explorer"
	for count in 2 8; do
		with_workers "$count" suite arm64 --label-exclude '^slow$' \
			--exclude-regex "$workers_mean_nothing"
	done
	unset BIDE_TEST_TIME_FACTOR
}
