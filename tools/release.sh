#!/bin/sh
# release.sh [--dry-run]: makes a release of the commit that is checked out: a tag and a tarball, from which it has built
# the library and run the examples. It refuses if something does not fit together, and says what. --dry-run does all but
# the tag.
#
# The version stands in include/bide/abi.h; tests/docs/version.sh checks what repeats it.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh

dry_run=
case ${1:-} in
'') ;;
--dry-run) dry_run=yes ;;
*) die "usage: tools/release.sh [--dry-run]" ;;
esac
claim release
# shellcheck disable=SC2086,SC2154 # a list of needs, of packages.sh
need "to build" $build_needs $cxx_needs git=git
want "to compare binary interfaces" abidiff=abigail-tools

part() {
	sed -n "s/^#define BIDE_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" include/bide/abi.h
}

minor=$(part MAJOR).$(part MINOR)
version=$minor.$(part PATCH)
tag=v$version
faults=0

# fault TEXT: one more reason not to release.
fault() {
	say "not ready: $1" >&2
	faults=$((faults + 1))
}

check_texts() {
	[ -z "$(git status --porcelain)" ] || fault "the checkout has changes that are not committed"
	! git rev-parse -q --verify "refs/tags/$tag" >/dev/null || fault "there is a tag $tag already"
	grep -q "^## \[$version\]" CHANGELOG.md || fault "CHANGELOG.md has no section \"## [$version]\""
	sh tests/docs/version.sh >build/logs/version.txt 2>&1 ||
		fault "the version is not the same everywhere: $(cat build/logs/version.txt)"
}

check_symbols() {
	sh tests/docs/symbols.sh build/release/libbide*.so >build/logs/symbols.txt 2>&1 ||
		fault "the exported symbols differ from docs/symbols-in-versions.txt; see build/logs/symbols.txt"
}

# The binary interface of the release before, if there is one. Within a minor version nothing may go or change; symbols
# may be added. Both are built with debug information, so that abidiff sees types, too.
check_interface() {
	before=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)
	if [ -z "$before" ]; then
		say "no release before this one: its interface is not compared"
		return
	fi
	if ! has abidiff; then
		fault "abidiff is not installed (Debian: abigail-tools): the interface is not compared with $before"
		return
	fi
	rm -rf build/before && mkdir -p build/before
	git archive "$before" | tar -x -C build/before
	say "building $before, to compare interfaces ..."
	if ! try_build dev bide || ! (cd build/before && try_build dev bide); then
		fault "$before, or this one, does not build by the preset dev; see build-dev.log in build/logs, or in build/before"
	elif ! abidiff --no-added-syms --drop-private-types --headers-dir1 build/before/include --headers-dir2 include \
		build/before/build/dev/libbide.so build/dev/libbide.so >build/logs/abi.txt 2>&1; then
		case $before in
		"v$minor."*) fault "the binary interface differs from that of $before; see build/logs/abi.txt" ;;
		*) say "the binary interface differs from that of $before, as a new minor version may" ;;
		esac
	fi
}

# make_tarball: of what is committed; the same commit gives the same bytes.
make_tarball() {
	mkdir -p build/dist
	git archive --prefix="bide-$version/" HEAD | gzip -9n >"build/dist/bide-$version.tar.gz"
	(cd build/dist && sha256sum "bide-$version.tar.gz" | tee "bide-$version.tar.gz.sha256")
}

# try_tarball: what it holds is enough to build the library, and the examples run with it.
try_tarball() {
	rm -rf build/unpacked && mkdir -p build/unpacked
	tar -xzf "build/dist/bide-$version.tar.gz" -C build/unpacked
	(
		cd "build/unpacked/bide-$version" && cmake --preset release -DBIDE_BUILD_BENCH=OFF -DBIDE_BUILD_CHECK=OFF &&
			cmake --build build/release && ctest --test-dir build/release -R '^example_'
	) >build/logs/tarball.log 2>&1 ||
		fault "what the tarball holds does not build, or an example fails; see build/logs/tarball.log"
}

check_texts
build release
check_symbols
check_interface
make_tarball
say "building what the tarball holds ..."
try_tarball

[ "$faults" -eq 0 ] || die "reasons not to release $version: $faults"
if [ -n "$dry_run" ]; then
	say "ready to release $version; nothing was tagged"
	exit 0
fi
git tag -a "$tag" -m "bide $version"
say "tagged $tag; the tarball is build/dist/bide-$version.tar.gz. Push the tag to publish it."
