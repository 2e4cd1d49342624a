# Other releases of Debian, each in a folder of its own outside of the checkout, made by debootstrap. Sourced after
# packages.sh.
# shellcheck shell=sh

chroots=${BIDE_DEBIAN:-/var/tmp/bide-debian}
chroots_mirror=${BIDE_DEBIAN_MIRROR:-http://deb.debian.org/debian}

# chroots_work: returns 0 if this machine can make them, else sets no_chroots to the reason.
chroots_work() {
	no_chroots=
	if [ "$(id -u)" != 0 ]; then
		no_chroots="it needs root, to change roots"
		return 1
	fi
	want "to make a Debian" debootstrap=debootstrap unshare=util-linux
	if ! has debootstrap; then
		no_chroots="debootstrap is not installed"
	elif ! unshare --mount true 2>/dev/null; then
		no_chroots="this machine lets no process mount"
	fi
	[ -z "$no_chroots" ]
}

# chroot_packages: prints the packages of all needs of the tests, with commas between them.
chroot_packages() {
	# shellcheck disable=SC2154 # lists of packages.sh
	for need in $build_needs $cxx_needs $test_needs $loop_needs $check_needs $tls_needs clang=clang nm=binutils; do
		printf '%s\n' "${need#*=}"
	done | sort -u | paste -s -d ,
}

# in_suite SUITE COMMAND...: runs it there, with /proc and /dev. The mounts are in a name space of their own, which ends
# with the command.
in_suite() {
	root=$chroots/$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' \
		"$root" "$@"
}

# prepare_suite SUITE: makes it, or brings it up to date. The log is build/logs/debian-SUITE.log. Checkouts share the
# suites, so this script keeps others out of it until it ends or prepares the next one.
prepare_suite() {
	mkdir -p "$chroots"
	if has flock; then
		exec 8>"$chroots/$1.lock"
		flock -n 8 || {
			say "another checkout works in the Debian $1; waiting for it ..."
			flock 8
		}
	fi
	if [ ! -e "$chroots/$1/.complete" ]; then
		say "making a Debian $1 in $chroots/$1 ..."
		rm -rf "${chroots:?}/$1"
		debootstrap --variant=minbase --include="$(chroot_packages)" "$1" "$chroots/$1" "$chroots_mirror" \
			>"build/logs/debian-$1.log" 2>&1 || return 1
		: >"$chroots/$1/.complete"
	else
		# shellcheck disable=SC2046 # packages
		in_suite "$1" sh -c 'apt-get -q update && apt-get -q -y dist-upgrade && apt-get -q -y install "$@"' sh \
			$(chroot_packages | tr , ' ') >"build/logs/debian-$1.log" 2>&1 ||
			say "it could not be brought up to date (build/logs/debian-$1.log); going on with what is there"
	fi
}

# copy_checkout SUITE: copies the working tree to /bide there, also what is not committed. Builds there stay.
copy_checkout() {
	mkdir -p "$chroots/$1/bide"
	find "$chroots/$1/bide" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$chroots/$1/bide"
}
