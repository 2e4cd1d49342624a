#!/bin/sh
# tools/layers.sh [--show] [BUILD]: checks by the symbols of the object files that no sources use each other in a circle,
# and that no folder uses one above it. ./dev lint runs it. It prints each fault, and ends with 1 if there is one. These
# are faults:
#
#   - a circle among sources; the shortest are printed first, with the symbols that make each arrow
#   - an arrow up: a source uses one of a folder above its own, or includes a header of one
#   - a circle among headers
#   - a source or a header outside of the folders below; src/tls is a library of its own, which uses public headers
#   - a declared up-call that no source defines, or that needs no declaration, because there is no fault without it
#
# With --show it prints the levels and the folders in tables before the faults, and ends with 0.
#
# BUILD is a build folder, whose objects it brings up to date first. Without one it makes build/layers, with -O0 and with
# the assertions. A compiler that optimises may drop the only call that makes an arrow, so only objects by -O0 show all
# arrows. A call by an inline function of a header counts for each source that uses the function.
set -eu
export LC_ALL=C

cd -- "$(dirname -- "$0")/.."
. tools/common.sh

# The folders of src from bottom to top. A folder may use itself and those before it.
order="base memory source cancel context async tasks ops sync generator debug runtime simulated_net io file process"
# Folders that use no other folder, and the folders that may use each: folder=user,user.
alone="os=runtime,io,process"
# The symbols that these headers declare may be used from below: the port, and what a source's kind does. A declaration
# here is the only exemption.
up_calls="src/base/port.h src/source/upcalls.h src/io/upcalls.h src/sync/upcalls.h"

show=0 build=
for word; do
	case $word in
	--show) show=1 ;;
	-h | --help)
		sed -n '2,/^[^#]/s/^# \{0,1\}//p' tools/layers.sh
		exit
		;;
	-*) die "layers: there is no option $word" ;;
	*) build=$word ;;
	esac
done

has "${NM:-nm}" || die "layers: nm is missing (Debian: binutils)"
if [ -z "$build" ]; then
	build=build/layers
	claim "lint (tools/layers.sh)"
	drop_foreign_build layers
	if [ ! -e $build/CMakeCache.txt ]; then
		cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O0 -g0" \
			-DBIDE_BUILD_TESTS=OFF -DBIDE_BUILD_BENCH=OFF -DBIDE_BUILD_EXAMPLES=OFF \
			-DBIDE_BUILD_CHECK=OFF >build/logs/build-layers.log 2>&1 || {
			tail -n 40 build/logs/build-layers.log
			die "layers: cmake failed; all of it: build/logs/build-layers.log"
		}
	fi
fi
# The objects of a folder without a cache are taken as they are, since cmake did not make it.
if [ -e "$build/CMakeCache.txt" ]; then
	said=$(cmake --build "$build" --target bide_objects 2>&1) || {
		printf '%s\n' "$said" | tail -n 40
		die "layers: the objects of $build could not be built"
	}
fi

# tools/layers.awk makes the graph of these lines.
{
	find src -name tls -prune -o -name '*.c' -print | sed 's|^src/|source |'
	find src -name tls -prune -o -name '*.h' -print | sed 's|^src/|header |'
	for header in $up_calls; do
		[ ! -f "$header" ] || awk -f tools/declared.awk "$header" | sed "s|^|declared $header |"
	done
	find src -name tls -prune -o -name '*.[ch]' -exec grep -H '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*"' {} + |
		sed 's|^src/\([^:]*\):[^"]*"\([^"]*\)".*|include \1 \2|'
	# An object whose source is gone is left over from an earlier build.
	objects=$build/CMakeFiles/bide_objects.dir/src
	[ ! -d "$objects" ] || find "$objects" -name '*.c.o' | while read -r object; do
		source=${object#"$objects/"}
		source=${source%.o}
		[ -f "src/$source" ] || continue
		echo "object $source"
		"${NM:-nm}" -P "$object" | sed "s|^|symbol $source |"
	done
} | sort | awk -v show="$show" -v build="$build" -v order="$order" -v alone="$alone" -f tools/layers.awk
