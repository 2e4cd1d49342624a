#!/bin/sh
# layers.sh COMPILER: tools/layers.sh finds each kind of fault in a small tree of sources, and none in a clean one.
set -u

compiler=${1:-cc}
cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/tools" && cp tools/layers.sh tools/layers.awk tools/declared.awk tools/common.sh "$work/tools" &&
	cd "$work" || exit 1
objects=build/CMakeFiles/bide_objects.dir/src
status=0 count=0

# file NAME TEXT: writes a file of src.
file() {
	mkdir -p "src/${1%/*}"
	printf '%b\n' "$2" >"src/$1"
}

# Makes a tree without faults. base calls runtime by up-calls, and runtime calls base by an inline function of memory.
fresh() {
	rm -rf src build
	file base/port.h '/* The port. Not declared: bide_a(); */\n#define bide_b() \\\n\tbide_c()
		void bide_port_now_(void); extern int bide_port_table_[2], bide_port_hook_(int);
		struct bide_d { int e; };\nstatic inline int bide_f(void) { return bide_port_table_[0]; }'
	file base/count.c '#include "base/port.h"\nint bide_count(void) { bide_port_now_();
		return bide_f() + bide_port_hook_(1); }'
	file memory/pool.h 'int bide_count(void);\nstatic inline int bide_pool(void) { return bide_count(); }'
	file memory/pool.c '#include "memory/pool.h"\nint bide_pool_new(void) { return bide_count(); }'
	file os/linux.c 'void bide_os(void) {}'
	file runtime/port.c '#include "base/port.h"\n#include "../memory/pool.h"\nvoid bide_os(void);
		void bide_port_now_(void) { bide_os(); bide_pool(); } int bide_port_table_[2];
		int bide_port_hook_(int n) { return n; }'
}

compile() {
	find src -name '*.c' | while read -r source; do
		mkdir -p "$objects/$(dirname "${source#src/}")"
		"$compiler" -std=gnu11 -O0 -Isrc -c "$source" -o "$objects/${source#src/}.o" || exit 1
	done || exit 1
}

# finds TEXT...: checks that the tool fails and prints each text.
finds() {
	compile
	count=$((count + 1))
	if tools/layers.sh build >said; then
		echo "not refused: $*"
		status=1
	fi
	for text; do
		tr -s '\n ' ' ' <said | grep -qF -e "$text" && continue
		echo "not said: $text"
		sed 's/^/    /' said
		status=1
	done
	fresh
}

passes() {
	compile
	if ! tools/layers.sh build >said 2>&1 || ! grep -qF "$1" said; then
		echo "not passed, or not said: $1"
		sed 's/^/    /' said
		status=1
	fi
}

fresh
passes "4 sources in 2 levels, no circle; 3 declared up-calls"

# The object of a source that is gone does not count.
file core/old.c 'int bide_old(void) { return 0; }'
compile
rm -r src/core
passes "no circle"

file memory/a.c 'int bide_b_(void), bide_a_(void); int bide_a_(void) { return bide_b_(); }'
file memory/b.c 'int bide_c_(void), bide_b_(void); int bide_b_(void) { return bide_c_(); }'
file memory/c.c 'int bide_a_(void), bide_c_(void); int bide_c_(void) { return bide_a_(); }'
file async/x.c 'extern int bide_y_, bide_x_(void); int bide_x_(void) { return bide_y_; }'
file async/y.c 'int bide_x_(void), bide_y_ = 1; int bide_z_(void) { return bide_x_(); }'
finds "a circle of 2 sources: async/x.c -> async/y.c by bide_y_ async/y.c -> async/x.c by bide_x_ a circle of 3" \
	"a circle of 3 sources: memory/a.c -> memory/b.c by bide_b_ memory/b.c -> memory/c.c by bide_c_ memory/c.c -> memory/a.c by bide_a_ 2 faults"

file base/up.c 'int bide_pool_new(void); int bide_up(void) { return bide_pool_new(); }'
compile
tools/layers.sh --show build | grep -q '!memory' || {
	echo "not shown: an arrow up"
	status=1
}
finds "an arrow up, memory is above base: base/up.c -> memory/pool.c by bide_pool_new 1 faults"
file base/up.c '#include "../memory/pool.h"\nint bide_up(void) { return 1; }'
finds "an arrow up, memory is above base: base/up.c includes memory/pool.h"
file debug/os.c 'void bide_os(void); void bide_debug(void) { bide_os(); }'
finds "an arrow up, only runtime and io and process may use os: debug/os.c -> os/linux.c by bide_os"
file os/cpu.c 'int bide_count(void); int bide_cpu(void) { return bide_count(); }'
finds "an arrow up, os uses no other folder: os/cpu.c -> base/count.c by bide_count"

# A call by an inline function of a header counts for the source that uses the function.
file memory/inline.h 'int bide_top(void);\nstatic inline int bide_in(void) { return bide_top(); }'
file memory/uses.c '#include "memory/inline.h"\nint bide_uses(void) { return bide_in(); }'
file async/top.c 'int bide_top(void) { return 1; }'
finds "memory/uses.c -> async/top.c by bide_top 1 faults"

file memory/one.h '#include "two.h"'
file memory/two.h '#include "memory/one.h"'
finds "a circle of 2 headers: memory/one.h -> memory/two.h memory/two.h -> memory/one.h 1 faults"
file base/high.h '#include "memory/pool.h"'
finds "an arrow up, memory is above base: base/high.h includes memory/pool.h"

file core/stray.c 'int bide_stray;'
finds "src/core is none of the folders" "stray.c 1 faults"
file memory/deep/stray.h 'extern int bide_stray;'
finds "src/memory/deep is none of the folders"
file memory/new.c ''
compile
rm $objects/memory/new.c.o
tools/layers.sh build | grep -qF 'src/memory/new.c has no object in build' || {
	echo "not said: has no object"
	status=1
}
fresh

file source/upcalls.h 'void bide_gone_(void);'
finds "src/source/upcalls.h declares bide_gone_, which no source defines"
file source/upcalls.h 'extern int bide_os(void), (*bide_pool_new)(void);'
file memory/pool.c 'int bide_count(void), (*bide_pool_new)(void) = bide_count;'
finds "declares bide_pool_new, which no arrow up has" "declares bide_os, which no arrow up has"

# A symbol may end with the version of the ABI.
file source/upcalls.h '#define bide_here_ bide_here_v1\n\nextern _Thread_local char *bide_here_;'
file async/here.c '#include "source/upcalls.h"\nchar *bide_where(void) { return bide_here_; }'
file runtime/here.c '#include "source/upcalls.h"\n_Thread_local char *bide_here_;'
passes "no circle; 4 declared up-calls"

# An up-call may open a circle in a folder. The second one is then not needed.
fresh
file source/upcalls.h 'int bide_a_(void), bide_b_(void);'
file async/a.c 'int bide_b_(void), bide_a_(void); int bide_a_(void) { return bide_b_(); }'
file async/b.c 'int bide_a_(void), bide_b_(void); int bide_b_(void) { return bide_a_(); }'
finds "declares bide_a_, which no arrow up has 1 faults"
file source/upcalls.h 'int bide_a_(void);'
file async/a.c 'int bide_b_(void), bide_a_(void); int bide_a_(void) { return bide_b_(); }'
file async/b.c 'int bide_a_(void), bide_b_(void); int bide_b_(void) { return bide_a_(); }'
passes "no circle; 4 declared up-calls"

if [ "$count" -lt 13 ]; then
	echo "only $count faults were looked for"
	status=1
fi
exit "$status"
