# Installs what is missing: by apt-get on Debian and Ubuntu; elsewhere it names the packages.
# Sourced after common.sh.
#
# A need is PROBE=PACKAGE: a program, a header with the path that #include takes, a file with its whole
# path, or a module of pkg-config, and the Debian package that brings it.
# shellcheck shell=sh disable=SC2034 # the lists are used by those who source this

build_needs="gcc=gcc cc=gcc stdlib.h=libc6-dev cmake=cmake ninja=ninja-build pkg-config=pkg-config"
# libbide-tls is built where this is; its tests are skipped where it is not.
tls_needs="libssl=libssl-dev"
demo_needs="sqlite3.h=libsqlite3-dev"
chart_needs="gnuplot=gnuplot-nox"
cxx_needs="g++=g++"
test_needs="cmocka.h=libcmocka-dev $demo_needs"
# Loops of others that tests run bide under; without them those tests are skipped.
loop_needs="glib-2.0=libglib2.0-dev libuv=libuv1-dev"
# Software that tests run against servers and clients of bide; without it those tests are skipped. They use nginx and
# PostgreSQL too, which are never installed for them: their packages start servers.
external_needs="curl=curl wrk=wrk socat=socat nc=netcat-openbsd python3=python3 libcurl=libcurl4-openssl-dev
	libpq=libpq-dev"
lint_needs="clang-format=clang-format clang-tidy=clang-tidy cppcheck=cppcheck shellcheck=shellcheck
	python3=python3"
# bide-check is built where this is; its tests are skipped where it is not.
check_needs="libclang=libclang-dev"
docs_needs="mandoc=mandoc"

any_exists() {
	for file; do
		[ ! -e "$file" ] || return 0
	done
	return 1
}

probe() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*.h) has cc && printf '#include <%s>\n' "$1" | cc -E -xc - >/dev/null 2>&1 ;;
	libclang) any_exists /usr/lib/llvm-*/include/clang-c/Index.h /usr/include/clang-c/Index.h ;;
	glib-2.0 | libuv | libcurl | libpq | libssl) has pkg-config && pkg-config --exists "$1" ;;
	*) has "$1" ;;
	esac
}

# The need of examples/http_files, which works with either of two parsers; systems have one or the other.
http_parser_need() {
	if probe llhttp.h || probe http_parser.h; then
		return 0
	elif has apt-cache && apt-cache show libllhttp-dev >/dev/null 2>&1; then
		echo llhttp.h=libllhttp-dev
	else
		echo http_parser.h=libhttp-parser-dev
	fi
}

# missing NEED...: the packages of the needs that are not met, each once.
missing() {
	found=
	for need; do
		package=${need#*=}
		case " $found " in *" $package "*) continue ;; esac
		probe "${need%%=*}" || found="$found $package"
	done
	printf '%s' "${found# }"
}

# need WHAT_FOR NEED...: ends the script when something is missing and can not be installed.
need() {
	what_for=$1
	shift
	packages=$(missing "$@")
	[ -z "$packages" ] || install_packages "$what_for" "$packages" || exit 1
	packages=$(missing "$@")
	[ -z "$packages" ] || die "$what_for, these are still missing: $packages"
	check_cmake
}

# want WHAT_FOR NEED...: as need, but goes on without.
want() {
	what_for=$1
	shift
	packages=$(missing "$@")
	[ -z "$packages" ] && return 0
	install_packages "$what_for" "$packages" && return 0
	for package in $packages; do
		install_packages "$what_for" "$package" >/dev/null 2>&1 || true
	done
}

check_cmake() {
	has cmake || return 0
	version=$(cmake --version | sed -n 's/^cmake version //p')
	major=${version%%.*} rest=${version#*.}
	minor=${rest%%.*}
	if [ "$major" -lt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -lt 20 ]; }; then
		die "cmake 3.20 or later is needed; this is $version"
	fi
}

install_packages() {
	if ! has apt-get; then
		say "$1, this is missing (by the names of Debian's packages): $2" >&2
		say "Install it by your system's package manager and try again." >&2
		return 1
	fi
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif has sudo; then
		as_root=sudo
	else
		say "$1, this is missing: $2. As root: apt-get install $2" >&2
		return 1
	fi
	say "installing $1: $2"
	mkdir -p build/logs
	# shellcheck disable=SC2086 # a list of packages
	if ! apt_update || ! apt_get install -y --no-install-recommends $2; then
		tail -n 20 build/logs/apt.log >&2
		say "apt-get could not install $2; all it said: build/logs/apt.log" >&2
		return 1
	fi
}

# foreign_apt ARCHITECTURE FOLDER COMMAND...: apt-get with lists of its own, for another architecture. The
# system keeps knowing nothing of that one, and nobody has to be root.
foreign_apt() {
	foreign=$1 own=$2
	shift 2
	apt-get -q -o APT::Architecture="$foreign" -o APT::Architectures="$foreign" -o Dir::State="$own" \
		-o Dir::State::status="$own/status" -o Dir::Cache="$own" -o APT::Sandbox::User= \
		-o Acquire::Languages=none "$@"
}

# unpack_foreign ARCHITECTURE FOLDER PACKAGE...: into that folder, without what they depend on.
unpack_foreign() {
	architecture=$1 root=$PWD/$2
	shift 2
	[ ! -e "$root/.unpacked" ] || return 0
	has apt-get && has dpkg-deb || return 1
	say "fetching for $architecture: $*"
	mkdir -p build/logs "$root/.apt/lists/partial" "$root/.apt/archives/partial"
	: >"$root/.apt/status"
	(
		cd -- "$root/.apt" || exit 1
		foreign_apt "$architecture" "$PWD" update || true # a source without that architecture is no matter
		foreign_apt "$architecture" "$PWD" download "$@" || exit 1
		for package in ./*.deb; do
			dpkg-deb -x "$package" "$root" || exit 1
		done
		: >"$root/.unpacked"
	) >build/logs/foreign.log 2>&1
}

apt_get() {
	# shellcheck disable=SC2086 # may be empty
	${as_root:-} env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" \
		>>build/logs/apt.log 2>&1
}

# Once a run. The network is given three chances; old lists may still do.
apt_update() {
	[ -z "${apt_updated:-}" ] || return 0
	apt_updated=yes
	: >build/logs/apt.log
	set -- update -o APT::Update::Error-Mode=any
	apt_get "$@" || { sleep 2 && apt_get "$@"; } || { sleep 5 && apt_get "$@"; } ||
		say "apt-get update failed; trying with the lists that are there" >&2
}
