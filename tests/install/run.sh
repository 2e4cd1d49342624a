#!/bin/sh
# tests/install/run.sh BUILD_DIR: installs that build into a folder of its own and uses it as a user would: by
# pkg-config, by find_package, from C and from C++. Then removes it.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
build=${1:?usage: tests/install/run.sh BUILD_DIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
prefix=$work/prefix
passed=0 failed=0 skipped=0

# check WHAT FUNCTION: runs the function, and shows its output if it fails.
check() {
	if "$2" >"$work/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $1"
		sed 's/^/    /' "$work/log"
	fi
}

skip() {
	skipped=$((skipped + 1))
	echo "SKIPPED $1"
}

bide_flags() {
	pkg-config "$@" bide
}

installs() {
	cmake --install "$build" --prefix "$prefix" &&
		libdir=$(cd "$prefix"/lib*/pkgconfig/.. 2>/dev/null || cd "$prefix"/lib/*/pkgconfig/.. && pwd) &&
		[ -n "$libdir" ] && echo "$libdir" >"$work/libdir"
}

by_pkg_config_shared() {
	# shellcheck disable=SC2046 # options
	cc tests/install/consumer.c -o "$work/shared" $(bide_flags --cflags --libs) &&
		LD_LIBRARY_PATH=$libdir "$work/shared" &&
		readelf -d "$work/shared" | grep 'NEEDED.*libbide\.so\.0'
}

by_pkg_config_static() {
	# shellcheck disable=SC2046 # options
	cc -static tests/install/consumer.c -o "$work/static" $(bide_flags --static --cflags --libs) &&
		"$work/static"
}

by_pkg_config_from_cxx() {
	# shellcheck disable=SC2046 # options
	c++ -x c++ tests/install/consumer.c -o "$work/cxx" $(bide_flags --cflags --libs) &&
		LD_LIBRARY_PATH=$libdir "$work/cxx"
}

by_find_package() {
	mkdir "$work/consumer" &&
		cp tests/install/consumer.c "$work/consumer/" &&
		cp tests/install/CMakeLists.txt.in "$work/consumer/CMakeLists.txt" &&
		cmake -S "$work/consumer" -B "$work/consumer/build" -G Ninja \
			-DCMAKE_PREFIX_PATH="$prefix" &&
		cmake --build "$work/consumer/build" &&
		"$work/consumer/build/shared" && "$work/consumer/build/static"
}

has_tls() {
	pkg-config --exists bide-tls
}

tls_by_pkg_config() {
	# shellcheck disable=SC2046 # options
	cc tests/install/consumer_tls.c -o "$work/tls" $(pkg-config --cflags --libs bide-tls) &&
		LD_LIBRARY_PATH=$libdir "$work/tls" &&
		readelf -d "$work/tls" | grep 'NEEDED.*libbide-tls\.so\.0' &&
		! readelf -d "$work/tls" | grep 'NEEDED.*libssl' &&
		cc tests/install/consumer_tls.c -o "$work/tls_static" "$libdir/libbide-tls.a" "$libdir/libbide.a" \
			$(pkg-config --cflags bide-tls) $(pkg-config --libs libssl libcrypto) -pthread && "$work/tls_static"
}

tls_by_find_package() {
	mkdir "$work/consumer_tls" && cp tests/install/consumer_tls.c "$work/consumer_tls/" &&
		cat >"$work/consumer_tls/CMakeLists.txt" <<-'TEXT' &&
			cmake_minimum_required(VERSION 3.20)
			project(consumer LANGUAGES C)
			find_package(bide 0.1 REQUIRED COMPONENTS tls)
			add_executable(shared consumer_tls.c)
			target_link_libraries(shared PRIVATE bide::tls)
			add_executable(static consumer_tls.c)
			target_link_libraries(static PRIVATE bide::tls_static)
		TEXT
		cmake -S "$work/consumer_tls" -B "$work/consumer_tls/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" &&
		cmake --build "$work/consumer_tls/build" &&
		"$work/consumer_tls/build/shared" && "$work/consumer_tls/build/static"
}

tls_exports_only_bide() {
	external=$(nm -D --defined-only "$libdir/libbide-tls.so" |
		awk '$2 != "A" { sub(/@.*/, "", $3); if ($3 !~ /^bide_tls_/) print $3 }')
	echo "not bide_tls_*: ${external:-none}"
	[ -z "$external" ]
}

# The folder is not one of the system, so gcc warns about dropped results.
dropped_is_told() {
	cat >"$work/consumer/consumer.c" <<-'TEXT'
		#include <bide/short.h>
		int main(void)
		{
			delay_ms(1);
			return 0;
		}
	TEXT
	cmake --build "$work/consumer/build" 2>&1 | grep 'ignoring return value'
}

# bide-check finds the headers that it was installed with, without a flag.
checks_without_flags() {
	"$prefix/bin/bide-check" tests/check/nothing_wrong.c &&
		! "$prefix/bin/bide-check" tests/check/inside_macros.c && [ -f "$prefix/share/man/man1/bide-check.1" ]
}

# Simulates /usr/local, whose include folder is one of the system. bide's headers must not count as system headers.
dropped_is_told_below_usr_local() {
	# shellcheck disable=SC2046 # options
	C_INCLUDE_PATH=$prefix/include cc -O1 -Wall -c "$work/consumer/consumer.c" -o "$work/dropped.o" \
		$(bide_flags --cflags) 2>&1 | grep 'ignoring return value'
}

paths_are_plain() {
	bide_flags --cflags --libs | grep -F "$prefix/include" && ! bide_flags --cflags --libs | grep -F ..
}

pages_are_found() {
	for page in bide_task_wait bide_stats bide_config BIDE_FOREVER BIDE_EUSER; do
		[ -n "$(find "$prefix/share/man" -name "$page.[37]")" ] || {
			echo "no page $page"
			return 1
		}
	done
}

option_is_refused() {
	! cmake -S . -B "$work/refused" -DBIDE_TESTS=OFF >"$work/refused.log" 2>&1 &&
		grep 'There is no option BIDE_TESTS' "$work/refused.log" && grep BIDE_BUILD_TESTS "$work/refused.log"
}

version_agrees() {
	[ "$(bide_flags --modversion)" = \
		"$(sed -n 's/^#define BIDE_VERSION_[MP][A-Z]* \([0-9]*\)$/\1/p' include/bide/abi.h |
			paste -sd. -)" ]
}

exports_only_bide() {
	external=$(nm -D --defined-only "$libdir/libbide.so" |
		awk '$2 != "A" { sub(/@.*/, "", $3); if ($3 !~ /^bide_/) print $3 }')
	count=$(nm -D --defined-only "$libdir/libbide.so" | grep -c ' bide_')
	echo "not bide_*: ${external:-none}; bide_*: $count"
	[ -z "$external" ] && [ "$count" -gt 0 ]
}

names_have_pages() {
	missing=
	for section in 3 7; do
		names=$(awk '/^\.Sh /{ name = $2 == "NAME" } name && /^\.Nm /{ print $2 }' docs/man/man$section/*)
		for name in $names; do
			[ -s "$prefix/share/man/man$section/$name.$section" ] || missing="$missing $name"
		done
	done
	echo "no page:${missing:- none}"
	[ -z "$missing" ] && for name in bide_stats bide_payload BIDE_FOREVER BIDE_EUSER bide_config; do
		man -M "$prefix/share/man" -w "$name" || return 1
	done
}

gdb_loads_the_script() {
	LD_LIBRARY_PATH=$libdir gdb -nx -batch -iex "add-auto-load-safe-path $prefix" \
		-iex "add-auto-load-scripts-directory $prefix/share/gdb/auto-load" \
		-ex 'break main' -ex run -ex 'bide frames' "$work/shared" 2>&1 | grep '^0 pending'
}

uninstalls() {
	cmake --build "$build" --target uninstall && left=$(find "$prefix" ! -type d) &&
		echo "left: $left" && [ -z "$left" ] && [ -z "$(find "$prefix/include" -name 'bide*')" ]
}

check "cmake --install" installs
if [ "$failed" -eq 0 ]; then
	libdir=$(cat "$work/libdir")
	export PKG_CONFIG_PATH="$libdir/pkgconfig"
	check "a program by pkg-config, shared" by_pkg_config_shared
	check "a program by pkg-config, static" by_pkg_config_static
	if command -v c++ >/dev/null 2>&1; then
		check "a C++ program by pkg-config" by_pkg_config_from_cxx
	else
		skip "a C++ program by pkg-config: no C++ compiler"
	fi
	check "programs by find_package, shared and static" by_find_package
	check "a dropped value task is told, by find_package" dropped_is_told
	if [ -x "$prefix/bin/bide-check" ]; then
		check "bide-check works without flags" checks_without_flags
	else
		skip "bide-check works without flags: it needs libclang"
	fi
	check "a dropped value task is told, by pkg-config" dropped_is_told_below_usr_local
	check "the paths of bide.pc are plain" paths_are_plain
	check "functions, types and constants have manual pages" pages_are_found
	check "an option that does not exist is refused" option_is_refused
	check "bide.pc tells the version of the project" version_agrees
	check "the shared object exports bide_* only" exports_only_bide
	if has_tls; then
		check "a program with TLS by pkg-config" tls_by_pkg_config
		check "programs with TLS by find_package" tls_by_find_package
		check "libbide-tls exports bide_tls_* only" tls_exports_only_bide
	else
		skip "programs with TLS: libbide-tls was not built"
	fi
	if command -v man >/dev/null 2>&1; then
		check "each public name has a manual page" names_have_pages
	else
		skip "each public name has a manual page: no man"
	fi
	if command -v gdb >/dev/null 2>&1; then
		check "gdb loads the script with the library" gdb_loads_the_script
	else
		skip "gdb loads the script with the library: no gdb"
	fi
	check "the target uninstall leaves nothing" uninstalls
fi
echo "install: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
