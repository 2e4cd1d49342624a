#!/bin/sh
# release.sh [--check]: makes a release of the commit that is checked out: a tag and a tarball. It refuses if something
# does not fit together, and says what. --check looks only.
#
# The version stands in include/bide/abi.h alone; CMakeLists.txt reads it there.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh

check_only=
case ${1:-} in
'') ;;
--check) check_only=yes ;;
*) die "usage: tools/release.sh [--check]" ;;
esac

part() {
	sed -n "s/^#define BIDE_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" include/bide/abi.h
}

version=$(part MAJOR).$(part MINOR).$(part PATCH)
tag=v$version
faults=0

# fault TEXT: one more reason not to release.
fault() {
	say "not ready: $1" >&2
	faults=$((faults + 1))
}

[ -z "$(git status --porcelain)" ] || fault "the checkout has changes that are not committed"
! git rev-parse -q --verify "refs/tags/$tag" >/dev/null || fault "there is a tag $tag already"
grep -q "^## \[$version\]" CHANGELOG.md || fault "CHANGELOG.md has no section \"## [$version]\""
unknown=$(sed -n 's/^bide_[a-z0-9_]* \([0-9.]*\)$/\1/p' docs/symbols-in-versions.txt | sort -u |
	while read -r of; do
		[ "$(printf '%s\n%s\n' "$of" "$version" | sort -V | tail -n 1)" = "$version" ] || echo "$of"
	done)
[ -z "$unknown" ] || fault "docs/symbols-in-versions.txt names later versions: $unknown"

build release
sh tests/docs/symbols.sh build/release/libbide.so >build/logs/symbols.txt 2>&1 ||
	fault "the exported symbols differ from docs/symbols-in-versions.txt; see build/logs/symbols.txt"

# The interface of the release before, if there is one: within a minor version nothing may go.
before=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)
if [ -z "$before" ]; then
	say "no release before this one: its interface is not compared"
elif ! has abidiff; then
	say "abidiff is not installed (Debian: abigail-tools): the interface is not compared with $before"
else
	rm -rf build/before && mkdir -p build/before
	git archive "$before" | tar -x -C build/before
	(cd build/before && cmake --preset release >/dev/null && cmake --build build/release >/dev/null)
	abidiff build/before/build/release/libbide.so build/release/libbide.so >build/logs/abi.txt ||
		fault "the binary interface differs from that of $before; see build/logs/abi.txt"
fi

[ "$faults" -eq 0 ] || die "$faults reasons not to release $version"
if [ -n "$check_only" ]; then
	say "ready to release $version"
	exit 0
fi
mkdir -p build/dist
git tag -a "$tag" -m "bide $version"
git archive --prefix="bide-$version/" "$tag" | gzip -9n >"build/dist/bide-$version.tar.gz"
(cd build/dist && sha256sum "bide-$version.tar.gz" | tee "bide-$version.tar.gz.sha256")
say "tagged $tag; the tarball is build/dist/bide-$version.tar.gz. Push the tag to publish it."
