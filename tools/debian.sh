#!/bin/sh
# ./dev debian: the tests in other releases of Debian, each in a folder of its own, outside of the checkout.
set -eu

cd -- "$(dirname -- "$0")/.."
. tools/common.sh
. tools/packages.sh

folder=${BIDE_DEBIAN:-/var/tmp/bide-debian}
mirror=${BIDE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
tiers=gcc,clang,compile,install

usage() {
	cat <<TEXT
usage: ./dev debian [--only TIER[,TIER...]] [SUITE...]

Makes a Debian of each suite (default: trixie testing) by debootstrap, below $folder
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

# The packages of all needs that the tiers have.
packages() {
	# shellcheck disable=SC2154 # lists of packages.sh
	for need in $build_needs $cxx_needs $test_needs $loop_needs $check_needs clang=clang nm=binutils; do
		printf '%s\n' "${need#*=}"
	done | sort -u | paste -s -d ,
}

# in_suite SUITE COMMAND...: with /proc and /dev, in a name space of its own, so nothing stays mounted.
in_suite() {
	root=$folder/$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' \
		"$root" "$@"
}

prepare() {
	if [ ! -e "$folder/$1/.complete" ]; then
		say "making a Debian $1 in $folder/$1 ..."
		rm -rf "${folder:?}/$1"
		mkdir -p "$folder"
		debootstrap --variant=minbase --include="$(packages)" "$1" "$folder/$1" "$mirror" \
			>"build/logs/debian-$1.log" 2>&1 || return 1
		: >"$folder/$1/.complete"
	else
		# shellcheck disable=SC2046 # packages
		in_suite "$1" sh -c 'apt-get -q update && apt-get -q -y dist-upgrade && apt-get -q -y install "$@"' sh \
			$(packages | tr , ' ') >"build/logs/debian-$1.log" 2>&1 ||
			say "it could not be brought up to date (build/logs/debian-$1.log); going on with what is there"
	fi
}

# The working tree as it is, also what is not committed.
copy_checkout() {
	mkdir -p "$folder/$1/bide"
	find "$folder/$1/bide" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$folder/$1/bide"
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
[ "$(id -u)" = 0 ] || cannot "it needs root, to change roots"
want "to make a Debian" debootstrap=debootstrap unshare=util-linux
has debootstrap || cannot "debootstrap is not installed"
unshare --mount true 2>/dev/null || cannot "this machine lets nobody mount"

failed=0
for suite in $suites; do
	if ! prepare "$suite"; then
		tail -n 5 "build/logs/debian-$suite.log"
		cannot "no Debian $suite could be made; all of it: build/logs/debian-$suite.log"
	fi
	copy_checkout "$suite"
	say "== Debian $suite: $(in_suite "$suite" sh -c 'cat /etc/debian_version; gcc -dumpfullversion; clang -dumpversion' |
		paste -s -d ' ' | sed 's/\([^ ]*\) \([^ ]*\) \([^ ]*\)/\1, gcc \2, clang \3/')"
	in_suite "$suite" env -u BIDE_CLAIMED HOME=/root /bide/dev test --only "$tiers" || failed=$((failed + 1))
done
[ "$failed" -eq 0 ]
