#!/bin/sh
# compilers.sh: ./dev compilers finds a warning, passes without one, and says what it lacks. It compiles a small project
# in a copy of the scripts.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset BIDE_CLAIMED
status=0

family=gcc
command -v gcc >/dev/null 2>&1 || family=clang
compiler=$family-$($family -dumpversion | sed 's/\..*//')

cp -r dev tools "$work" && cd "$work" || exit 1
cat >CMakeLists.txt <<'TEXT'
cmake_minimum_required(VERSION 3.20)
project(small LANGUAGES C)
add_library(bide_objects OBJECT small.c)
add_executable(unlinked main.c)
TEXT
echo 'int small(void) { return 1; }' >small.c
echo 'extern int missing(void); int main(void) { return missing(); }' >main.c

# ends_with STATUS TEXT COMMAND...: checks how a command ends, and that it prints the text.
ends_with() {
	expected=$1 text=$2
	shift 2
	"$@" >said 2>&1
	ended=$?
	[ "$ended" != "$expected" ] || ! grep -qE -e "$text" said || return 0
	echo "$*: status $ended, expected $expected, and the text: $text"
	sed 's/^/    /' said
	status=1
}

# Two objects with optimisation, one with assertions.
ends_with 0 "^here +$compiler +[0-9.]+ +3 +[0-9]+ s +ok$" ./dev compilers --only "$compiler" here
ends_with 77 "^no suite has gcc-999$" ./dev compilers --only "$compiler,gcc-999" here
ends_with 77 "^no compiler was found$" ./dev compilers --only gcc-999 here
echo '#warning small and wrong' >>small.c
ends_with 1 "^here +$compiler .* FAILED$" ./dev compilers --only "$compiler" here
grep -q '^    .*small and wrong' said || {
	echo "the warning is not printed"
	status=1
}
ends_with 1 "there is no option --all" ./dev compilers --all

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	chmod -R a+rwX "$work"
	ends_with 77 "^no Debian trixie: it needs root" setpriv --reuid 65534 --clear-groups ./dev compilers trixie
fi
if [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null 2>&1 && unshare --mount true 2>/dev/null; then
	ends_with 77 "^no Debian trixie could be made" env BIDE_DEBIAN="$work/debian" \
		BIDE_DEBIAN_MIRROR="file://$work/nothing" ./dev compilers trixie
fi
exit "$status"
