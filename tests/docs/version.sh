#!/bin/sh
# version.sh: the version stands in include/bide/abi.h. What repeats a part of it must agree.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
status=0

part() {
	sed -n "s/^#define BIDE_VERSION_$1 \([0-9][0-9]*\)\$/\1/p" include/bide/abi.h
}
minor=$(part MAJOR).$(part MINOR)
version=$minor.$(part PATCH)

# agrees WHERE FOUND EXPECTED
agrees() {
	[ "$2" = "$3" ] && return 0
	echo "$1 has \"$2\"; by include/bide/abi.h it must be \"$3\""
	status=1
}
for file in README.md tests/install/CMakeLists.txt.in; do
	agrees "find_package in $file" \
		"$(sed -n 's/^find_package(bide \([0-9.]*\).*/\1/p' "$file" | sort -u | paste -s -d ' ')" "$minor"
done
agrees "the last version of symbols in src/bide.map" \
	"$(sed -n 's/^BIDE_\([0-9.]*\) {.*/\1/p' src/bide.map | sort -V | tail -n 1)" "$minor"
agrees "the first section of CHANGELOG.md" \
	"$(sed -n -e 's/^## \[Unreleased\]: \([0-9.]*\).*/\1/p' -e 's/^## \[\([0-9][0-9.]*\)\].*/\1/p' CHANGELOG.md |
		head -n 1)" "$version"
later=$(sed -n 's/^bide_[a-z0-9_]* \([0-9.]*\)$/\1/p' docs/symbols-in-versions.txt | sort -uV | tail -n 1)
agrees "the later of $version and what docs/symbols-in-versions.txt names" \
	"$(printf '%s\n%s\n' "$later" "$version" | sort -V | tail -n 1)" "$version"
[ "$status" -ne 0 ] || echo "version $version"
exit "$status"
