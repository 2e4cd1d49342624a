#!/bin/sh
# ./dev compilers: compiles bide by each gcc and clang that some releases of Debian have. A warning is an error.
# shellcheck disable=SC2086 # names of compilers and packages hold no blanks
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh
. tools/chroots.sh

# The oldest compilers that bide supports.
oldest="gcc=12 clang=14"
# Of these suites in this order: the oldest clang is not in the later ones.
suites="bookworm trixie testing"

usage() {
	cat <<TEXT
usage: ./dev compilers [--only COMPILER[,COMPILER...]] [SUITE...]

Compiles the library, tests, examples, benchmarks and bide-check with -Werror by each compiler from
gcc 12 and clang 14 on that a suite has, and prints a table. It links nothing and runs no test.
The default suites are: $suites. A compiler that several of them have is used in the first.
"here" as a suite is this machine, with the compilers that are installed.

Each suite is a Debian in $chroots, which ./dev debian uses too (BIDE_DEBIAN names another
folder). Debian is fetched by debootstrap from $chroots_mirror
(BIDE_DEBIAN_MIRROR). This needs root.

  --only    these compilers, for instance gcc-14,clang-19

The status is 0 if each compiler was silent, 1 if one was not, and 77 if all that ran were silent,
but a suite or a compiler is missing.
TEXT
}

# row SUITE COMPILER VERSION OBJECTS TIME RESULT: prints one line of the table.
row() {
	printf '%-9s %-9s %-9s %8s %7s  %s\n' "$@"
}

# miss TEXT: tells what is missing, and goes on.
missing=
miss() {
	say "$*" >&2
	missing=yes
}

# supported COMPILER: returns 0 if bide supports it, --only does not leave it out, and no earlier suite had it.
supported() {
	least=$(printf '%s\n' $oldest | sed -n "s/^${1%-*}=//p")
	[ -n "$least" ] && [ "${1##*-}" -ge "$least" ] || return 1
	[ -z "$only" ] || case ",$only," in *",$1,"*) ;; *) return 1 ;; esac
	case " $used " in *" $1 "*) return 1 ;; esac
}

# choose: reads names of compilers, and prints those to use, gcc first.
choose() {
	sort -t - -k 1,1r -k 2,2n -u | while read -r compiler; do
		! supported "$compiler" || echo "$compiler"
	done
}

# installed: prints the names of the compilers of this machine. A gcc of version 12 counts as gcc-12.
installed() {
	for family in gcc clang; do
		for folder in $(printf '%s\n' "$PATH" | tr : ' '); do
			for file in "$folder/$family"-[0-9]*; do
				[ ! -x "$file" ] || printf '%s\n' "${file##*/}"
			done
		done
		! has $family || printf '%s\n' "$family-$($family -dumpversion | sed 's/\..*//')"
	done | grep -E '^(gcc|clang)-[0-9]+$'
}

# compile_objects COMPILER FOLDER WHAT CMAKE_OPTION...: compiles, and links nothing. WHAT is "all" or a target.
compile_objects() {
	by=$1 into=$2 what=$3
	shift 3
	rm -rf "$into"
	cmake -S . -B "$into" -G Ninja -DCMAKE_C_COMPILER="$by" -DCMAKE_C_FLAGS=-Werror "$@" || return 1
	if [ "$what" = all ]; then
		what=$(ninja -C "$into" -t targets all | sed -n 's/^\(.*\.o\): C_COMPILER.*/\1/p')
		[ -n "$what" ] || return 1
	fi
	ninja -C "$into" -k 0 $what
}

# try_compiler SUITE NAME: prints one row of the table, and what the compiler said if it was not silent.
try_compiler() {
	program=$2
	has "$program" || program=${2%-*}
	folder=build/compilers/$2 log=build/logs/compilers-$1-$2.log result=ok
	started=$(date +%s)
	# Everything is compiled with optimisation, which finds more, and the library with its assertions as well.
	if ! compile_objects "$program" "$folder" all -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 >"$log" 2>&1 ||
		! compile_objects "$program" "$folder-debug" bide_objects -DCMAKE_BUILD_TYPE=Debug \
			-DBIDE_BUILD_TESTS=OFF -DBIDE_BUILD_CHECK=OFF -DBIDE_BUILD_BENCH=OFF >>"$log" 2>&1; then
		result=FAILED
	fi
	objects=$(find "$folder" "$folder-debug" -name '*.o' 2>/dev/null | wc -l)
	version=$($program -dumpfullversion 2>/dev/null || $program -dumpversion)
	row "$1" "$2" "$version" "$objects" "$(($(date +%s) - started)) s" "$result"
	rm -rf "$folder" "$folder-debug"
	[ "$result" != ok ] || return 0
	failed=$((failed + 1))
	grep -E '(error|warning|Error).*: ' "$log" | sort -u | head -n 20 | sed 's/^/    /'
	say "    all of it: $PWD/$log"
}

# offered SUITE: prints the names of the compilers that it has packages of.
offered() {
	in_suite "$1" sh -c 'apt-cache search --names-only "^(gcc|clang)-[0-9]+$"' | sed 's/ .*//'
}

# try_suite SUITE: makes it, installs its compilers, and runs this script there.
try_suite() {
	if [ -n "$no_chroots" ]; then
		miss "no Debian $1: $no_chroots"
		return
	fi
	if ! prepare_suite "$1" >&2; then
		tail -n 3 "build/logs/debian-$1.log" | sed 's/^/    /' >&2
		miss "no Debian $1 could be made; all of it: build/logs/debian-$1.log"
		return
	fi
	chosen=$(offered "$1" | choose)
	[ -n "$chosen" ] || return 0
	say "installing in $1: $(printf "%s" "$chosen" | paste -s -d " ")" >&2
	for compiler in $chosen; do
		in_suite "$1" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$compiler" \
			>>"build/logs/debian-$1.log" 2>&1 && continue
		miss "$compiler could not be installed in $1 (build/logs/debian-$1.log)"
		chosen=$(printf '%s\n' $chosen | grep -vx "$compiler" || true)
	done
	used="$used $(printf '%s' "$chosen" | tr '\n' ' ')"
	copy_checkout "$1"
	inner=0
	in_suite "$1" env -u BIDE_CLAIMED HOME=/root /bide/tools/compilers.sh --rows "$1" $chosen || inner=$?
	[ "$inner" -eq 0 ] || failed=$((failed + 1))
}

only='' used='' failed=0
# What try_suite runs in the suite.
if [ "${1:-}" = --rows ]; then
	suite=$2
	shift 2
	claim compilers
	for compiler; do
		try_compiler "$suite" "$compiler"
	done
	[ "$failed" -eq 0 ]
	exit
fi

asked=
while [ $# -gt 0 ]; do
	case $1 in
	--only)
		[ $# -gt 1 ] || die "--only needs the names of compilers"
		shift
		only=$1
		;;
	-h | --help)
		usage
		exit
		;;
	-*)
		usage >&2
		die "compilers: there is no option $1"
		;;
	*) asked="$asked $1" ;;
	esac
	shift
done
claim compilers
suites=${asked:-$suites}
no_chroots=
[ "$suites" = " here" ] || chroots_work || true

row suite compiler version objects time result
for suite in $suites; do
	if [ "$suite" != here ]; then
		try_suite "$suite"
		continue
	fi
	need "to compile" $build_needs $test_needs
	for compiler in $(installed | choose); do
		used="$used $compiler"
		try_compiler here "$compiler"
	done
done
for compiler in $(printf '%s' "$only" | tr , ' '); do
	case " $used " in *" $compiler "*) ;; *) miss "no suite has $compiler" ;; esac
done
[ "$failed" -eq 0 ] || die "compilers: not all of them are silent"
[ -n "$used" ] || miss "no compiler was found"
[ -z "$missing" ] || exit 77
