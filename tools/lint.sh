#!/bin/sh
# ./dev lint: format, static analysis, scripts. Prints one line a check; ends with 1 if one failed.
# shellcheck disable=SC2086,SC2046 # lists of files, whose names hold no blanks
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh

failed=0

# check NAME COMMAND...: the output is shown when it fails.
check() {
	name=$1
	shift
	if "$@" >build/logs/lint.log 2>&1; then
		printf '%-14s ok\n' "$name"
	else
		printf '%-14s FAILED\n' "$name"
		sed 's/^/    /' build/logs/lint.log
		failed=$((failed + 1))
	fi
}

skip() {
	printf '%-14s skipped: %s\n' "$1" "$2"
}

# check_with TOOL NAME COMMAND...
check_with() {
	tool=$1
	shift
	if has "$tool"; then
		check "$@"
	else
		skip "$1" "$tool is not installed"
	fi
}

sources() {
	for folder; do
		[ ! -d "$folder" ] || find "$folder" -name '*.[ch]'
	done | sort
}

# Over what the dev preset compiles, so the flags are the real ones.
tidy() {
	try_build dev || {
		tail -n 40 build/logs/build-dev.log
		return 1
	}
	printf '%s\n' $(sources src check examples tests/support | grep '\.c$') |
		xargs -n 1 -P "$(jobs_count)" clang-tidy --quiet -p build/dev
}

# 100 columns, with tabs of 4. clang-format leaves comments and switched-off parts alone. The notes in the first
# lines of tests/compile stand in one line each.
width() {
	awk '!/^\/\* (expect|flags|lines|closed)/ {
		columns = 0
		for (i = 1; i <= length($0); i++)
			columns += substr($0, i, 1) == "\t" ? 4 - columns % 4 : 1
		if (columns > 100) {
			print FILENAME ":" FNR ": " columns " columns"
			wide = 1
		}
	}
	END { exit wide }' $(sources include src check tests examples bench)
}

# Functions within 70 lines: those whose braces stand in the first column.
lengths() {
	awk '/^{/ { begin = FNR }
	/^}/ && begin {
		if (FNR - begin - 1 > 70) {
			print FILENAME ":" begin ": " FNR - begin - 1 " lines in a function"
			long = 1
		}
		begin = 0
	}
	END { exit long }' $(sources include src check tests examples bench)
}

analyse() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
		--suppress=missingIncludeSystem -j "$(jobs_count)" -Iinclude -Isrc src
}

scripts() {
	echo dev .ci/run $(find tools tests -name '*.sh' | sort)
	for folder in check compile docs install support; do
		echo "tests/$folder"/*.sh
	done
}

claim lint
want "to check the code" $lint_needs $check_needs $tls_needs
mkdir -p build/logs

# Not tests/compile: what these files show may depend on what stands in one line.
check_with clang-format clang-format clang-format --dry-run -Werror \
	$(sources include src check tests examples bench | grep -v '^tests/compile/')
check width width
check lengths lengths
if [ -n "$(sources src)" ]; then
	need "to build" $build_needs $test_needs
	check_with clang-tidy clang-tidy tidy
	check_with cppcheck cppcheck analyse
	check_with nm layers tools/layers.sh
fi
check conventions tools/conventions.sh
check prose tools/prose.sh
check_with shellcheck shellcheck shellcheck -x $(scripts)
if [ -x build/dev/bide-check ]; then
	check lost-locals build/dev/bide-check -p build/dev
else
	skip lost-locals "bide-check was not built; it needs libclang (Debian: libclang-dev)"
fi
for hook in tools/lint*.py; do
	[ ! -f "$hook" ] || check_with python3 "${hook##*/}" python3 "$hook"
done
[ "$failed" -eq 0 ] || die "lint: $failed of the checks failed"
