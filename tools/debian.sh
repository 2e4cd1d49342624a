#!/bin/sh
# ./dev debian: the tests in other releases of Debian, each in a folder of its own, outside of the checkout.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh
. tools/chroots.sh

tiers=gcc,clang,compile,install

usage() {
	cat <<TEXT
usage: ./dev debian [--only TIER[,TIER...]] [SUITE...]

Makes a Debian of each suite (default: trixie testing) by debootstrap, below $chroots
(BIDE_DEBIAN names another folder), copies the checkout into it, and runs ./dev test there.
A Debian that is there already is brought up to date. Needs root, since it changes roots.

  --only    these tiers of ./dev test; default $tiers

The status is 0 if all of them passed; 77 if this machine can not do it.
TEXT
}

cannot() {
	say "./dev debian: $*" >&2
	exit 77
}

suites=
while [ $# -gt 0 ]; do
	case $1 in
	--only)
		[ $# -gt 1 ] || die "--only needs the names of tiers"
		shift
		tiers=$1
		;;
	-h | --help)
		usage
		exit
		;;
	-*)
		usage >&2
		die "debian: there is no option $1"
		;;
	*) suites="$suites $1" ;;
	esac
	shift
done
suites=${suites:-trixie testing}
mkdir -p build/logs 2>/dev/null || die "this checkout can not be written to: $PWD/build"
chroots_work || cannot "$no_chroots"

failed=0
for suite in $suites; do
	if ! prepare_suite "$suite"; then
		tail -n 5 "build/logs/debian-$suite.log"
		cannot "no Debian $suite could be made; all of it: build/logs/debian-$suite.log"
	fi
	copy_checkout "$suite"
	say "== Debian $suite: $(in_suite "$suite" sh -c 'cat /etc/debian_version; gcc -dumpfullversion; clang -dumpversion' |
		paste -s -d ' ' | sed 's/\([^ ]*\) \([^ ]*\) \([^ ]*\)/\1, gcc \2, clang \3/')"
	in_suite "$suite" env -u BIDE_CLAIMED HOME=/root /bide/dev test --only "$tiers" || failed=$((failed + 1))
done
[ "$failed" -eq 0 ]
