#!/bin/sh
# tests/compile/run.sh [COMPILER...]: compiles files that must fail, files that must pass, and the public headers in
# each dialect. See README.md beside this file. The default compilers are gcc and clang.
# shellcheck disable=SC2086 # options are lists of words
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- gcc clang
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Each result is a line of $results: one word and the rest.
pass() { echo "passed $*" >>"$results"; }
skip() { echo "SKIPPED $*" >>"$results"; }
fail() {
	{
		echo "FAILED $*"
		sed 's/^/    /' "$errors"
	} >>"$results"
}

# Prints the text after "/* WORD: " or "/* WORD KIND: " in the first seven lines of a file.
note() {
	sed -n "1,7s|^/\\* $2: \\(.*\\) \\*/\$|\\1|p" "$1" | head -n 1
}

kind_of() {
	case ${1##*/} in
	*clang*) echo clang ;;
	*) echo gcc ;;
	esac
}

cxx_of() {
	echo "$1" | sed 's/clang/clang++/; s/gcc/g++/'
}

# compile FILE FLAG...: writes standard error to $errors.
compile() {
	file=$1
	shift
	$cc -std=gnu11 -Iinclude "$@" -c "$file" -o "$object" 2>"$errors"
}

levels_of() {
	flags=$(note "$1" flags)
	case $flags in
	*-O* | *-std=*) echo "$flags" ;;
	*) echo "$flags -O0" && echo "$flags -O2" && echo "$flags -O2 -std=gnu2x" ;;
	esac
}

# must_fail FILE ERE FLAGS LINES: the first error must match, in at most LINES lines of output.
must_fail() {
	if compile "$1" $3; then
		fail "$1 ($cc $3): compiles, but should not"
	elif ! grep -m 1 'error:' "$errors" | grep -Eq -e "$2"; then
		fail "$1 ($cc $3): the first error is not \"$2\""
	elif [ "$(wc -l <"$errors")" -gt "$4" ]; then
		fail "$1 ($cc $3): $(wc -l <"$errors") lines, but $4 should do"
	else
		pass "$1 ($cc $3)"
	fi
}

must_pass() {
	if compile "$1" $warnings -Werror $2 && [ ! -s "$errors" ]; then
		pass "$1 ($cc $2)"
	else
		fail "$1 ($cc $2): $3"
	fi
}

check_file() {
	expected=$(note "$1" "expect $kind")
	[ -n "$expected" ] || expected=$(note "$1" expect)
	lines=$(note "$1" "lines $kind")
	[ -n "$lines" ] || lines=50
	[ -z "$gutter" ] || lines=$((lines * 21 / 10))
	closed=$(note "$1" "closed $kind")
	if [ -n "$closed" ] && [ "$($cc -dumpversion | cut -d. -f1)" -ge "$closed" ]; then
		skip "$1 ($cc): found from version $closed on"
		return
	fi
	levels_of "$1" >"$work/levels-$kind"
	while read -r level; do
		case ${1##*/} in
		fail_* | hole_*)
			if [ -n "$expected" ]; then
				must_fail "$1" "$expected" "$level" "$lines"
			elif [ "${1##*/fail_}" != "$1" ]; then
				: >"$errors"
				fail "$1 ($cc): has no \"expect\" for $kind in its first line"
			else
				must_pass "$1" "$level" "a known hole is closed: make it a fail_*.c"
			fi
			;;
		*) must_pass "$1" "$level" "does not compile without a warning" ;;
		esac
	done <"$work/levels-$kind"
}

# check_header HEADER COMPILER LANGUAGE DIALECT
check_header() {
	printf '#include <%s>\n' "${1#include/}" >"$work/header-$kind.$3"
	if "$2" "-std=$4" -Iinclude $warnings -Werror -fsyntax-only "$work/header-$kind.$3" \
		2>"$errors"; then
		pass "$1 ($2 $4)"
	else
		fail "$1 ($2 $4): does not compile on its own without a warning"
	fi
}

# check_refusal HEADER: a header that is for C only has to tell the user of a C++ compiler so.
check_refusal() {
	printf '#include <%s>\n' "${1#include/}" >"$work/header-$kind.cc"
	if "$cxx" -std=c++17 -Iinclude -fsyntax-only "$work/header-$kind.cc" 2>"$errors"; then
		fail "$1 ($cxx): C++ takes it, but should be refused"
	elif grep -Eq '#error.*C\+\+' "$errors"; then
		pass "$1 ($cxx)"
	else
		fail "$1 ($cxx): refuses C++ without a #error that says so"
	fi
}

is_c_only() {
	[ "${1##*/}" = short.h ] || grep -q '^#[ \t]*error.*C++' "$1"
}

check_headers() {
	for header in include/bide/*.h; do
		[ -e "$header" ] || continue
		for dialect in c11 c2x; do
			check_header "$header" "$cc" c "$dialect"
		done
	done
	if ! command -v "$cxx" >/dev/null 2>&1; then
		skip "headers as C++ by $cxx: not installed"
		return
	fi
	for header in include/bide/*.h; do
		if is_c_only "$header"; then
			check_refusal "$header"
			continue
		fi
		for dialect in c++17 c++20; do
			check_header "$header" "$cxx" cc "$dialect"
		done
	done
}

# check_abi MACHINE ERE COMMAND...: a value task must be passed and returned in two registers. The ERE matches
# instructions that touch memory; the control shows that it finds them.
check_abi() {
	machine=$1 memory=$2
	shift 2
	if ! "$@" -xc -ffreestanding -fsyntax-only /dev/null 2>"$errors"; then
		skip "two registers on $machine ($1): not installed, or not for this machine"
		return
	fi
	for defines in -DCONTROL -UCONTROL; do
		if ! "$@" -std=gnu11 -Iinclude -ffreestanding -fno-pic -O2 -fomit-frame-pointer "$defines" \
			-S tests/compile/abi_two_registers.c -o "$object" 2>"$errors"; then
			fail "two registers on $machine ($1): does not compile"
			return
		fi
		grep -E "^[[:blank:]]+($memory)" "$object" >"$errors" && through_memory=yes || through_memory=no
		case $defines$through_memory in
		-DCONTROLno)
			fail "two registers on $machine ($1): the control touches no memory"
			return
			;;
		-UCONTROLyes)
			fail "two registers on $machine ($1): it goes through memory"
			return
			;;
		esac
	done
	pass "two registers on $machine ($1)"
}

# check_narrow COMMAND...: with pointers of 32 bits, the headers must say so, and say what is needed.
check_narrow() {
	if ! "$@" -xc -ffreestanding -fsyntax-only /dev/null 2>"$errors"; then
		skip "refusal of 32 bits ($*): not installed, or not for this machine"
	elif "$@" -std=gnu11 -Iinclude -ffreestanding -fsyntax-only include/bide/abi.h 2>"$errors"; then
		fail "include/bide/abi.h ($*): takes pointers of 32 bits"
	elif grep -Eq '#?error.*64 bits' "$errors"; then
		pass "refusal of 32 bits ($*)"
	else
		fail "include/bide/abi.h ($*): refuses 32 bits without an #error that says so"
	fi
}

# The machines of value_task.h. One clang compiles for all of them; each needs a gcc of its own.
check_machines() {
	x86='[a-z].*\(%' arm='(ld|st)[a-z]*' riscv='f?[ls][bhwd]u?[[:blank:]]'
	if [ "$kind" = clang ]; then
		check_abi x86-64 "$x86" "$cc" --target=x86_64-linux-gnu
		check_abi AArch64 "$arm" "$cc" --target=aarch64-linux-gnu
		check_abi RV64 "$riscv" "$cc" --target=riscv64-linux-gnu
		check_narrow "$cc" --target=armv7-linux-gnueabihf
	else
		check_abi x86-64 "$x86" x86_64-linux-gnu-gcc
		check_abi AArch64 "$arm" aarch64-linux-gnu-gcc
		check_abi RV64 "$riscv" riscv64-linux-gnu-gcc
		check_narrow x86_64-linux-gnu-gcc -m32
		check_musl
	fi
}

# The library runs with musl, and needs no kernel headers, which musl does not have. The library for
# TLS needs OpenSSL.
check_musl() {
	# shellcheck disable=SC2046 # a list of files
	if ! command -v musl-gcc >/dev/null 2>&1; then
		skip "the library with musl: musl-gcc is not installed"
	elif ! musl-gcc -std=gnu11 -O1 $warnings -Werror -DBIDE_BUILDING=1 -Iinclude -Isrc -static \
		$(find src -name '*.c' ! -path 'src/tls/*') examples/parallel.c -o "$object" 2>"$errors"; then
		fail "the library with musl: does not compile without a warning"
	elif ! "$object" >"$errors" 2>&1; then
		fail "the library with musl: examples/parallel.c fails"
	else
		pass "the library with musl"
	fi
}

check_compiler() {
	if ! command -v "$cc" >/dev/null 2>&1; then
		skip "$cc: not installed"
		return
	fi
	for source in tests/compile/fail_*.c tests/compile/pass_*.c tests/compile/hole_*.c; do
		[ -e "$source" ] && check_file "$source"
	done
	check_headers
	check_machines
}

number=0
for cc; do
	number=$((number + 1))
	(
		kind=$(kind_of "$cc") cxx=$(cxx_of "$cc") gutter=
		# From version 16 on, clang numbers the lines that it quotes, and quotes whole calls.
		[ "$kind" = gcc ] || [ "$($cc -dumpversion 2>/dev/null | cut -d. -f1)" -lt 16 ] || gutter=yes
		results=$work/results-$number errors=$work/errors-$number object=$work/$number.o
		: >"$results"
		: >"$errors"
		check_compiler
	) &
done
wait

cat "$work"/results-* >"$work/all"
grep -v '^passed' "$work/all"
failed=$(grep -c '^FAILED' "$work/all")
echo "compile: $(grep -c '^passed' "$work/all") passed, $failed failed," \
	"$(grep -c '^SKIPPED' "$work/all") skipped"
[ "$failed" -eq 0 ]
