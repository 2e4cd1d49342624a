#!/bin/sh
# usage.sh BIDE-CHECK: wrong usage gets a clear answer and status 2.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
check=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
result=0

# expect STATUS ERE ARGUMENT...: the text may be in either output.
expect() {
	wanted=$1 text=$2
	shift 2
	"$check" "$@" >"$work/out" 2>&1
	got=$?
	if [ "$got" -ne "$wanted" ] || { [ -n "$text" ] && ! grep -Eq -e "$text" "$work/out"; }; then
		echo "bide-check $*: status $got, not $wanted, or no \"$text\":"
		cat "$work/out"
		result=1
	fi
}

good=tests/check/nothing_wrong.c
bad=tests/check/array_across_an_await.c
expect 0 '^usage: bide-check' --help
expect 0 '^bide-check [0-9.]+ .*clang' --version
expect 2 'no file is given'
expect 2 '-x: there is no such option; compiler flags stand behind --' -x "$good"
expect 2 '-p: the folder of a compile_commands.json must follow' -p
expect 2 'no_such_folder/compile_commands.json: No such file' -p no_such_folder "$good"
expect 2 'no_such_file.c: No such file' no_such_file.c
expect 2 'include: is a directory; a file of C source is allowed' include
expect 2 '/dev/null: is no ordinary file' /dev/null
expect 2 '-I: a value must follow' "$good" -- -I
expect 2 'does not compile: .*nothing_wrong.c:2:10: .*file not found' "$good" -- -nostdinc
expect 2 "-I DIR" "$good" -- -nostdinc
expect 0 '' "$good" -- -Iinclude -fno-such-flag -Wno-such-warning -O2 -o x.o

printf 'int f(void) { return 1 }\n' >"$work/syntax.c"
expect 2 'syntax.c does not compile: .*syntax.c:1:23: .*expected' "$work/syntax.c"
printf '#include <bide/bide.h>\nvoid f(void)\n{\n\tbide_await(bide_delay(1));\n}\n' >"$work/outside.c"
expect 2 'outside.c:4:2: await stands only in an async function' "$work/outside.c" -- -Iinclude
printf '\001\002\377\000\003' >"$work/binary.c"
expect 2 'binary.c does not compile' "$work/binary.c"
: >"$work/empty.c"
expect 0 '' "$work/empty.c"
if [ "$(id -u)" != 0 ]; then
	: >"$work/closed.c"
	chmod 000 "$work/closed.c"
	expect 2 'closed.c: Permission denied' "$work/closed.c"
fi

mkdir "$work/commands"
printf '[{"directory": "%s", "file": "%s", "arguments": ["gcc", "-fno-semantic-interposition",\n' \
	"$PWD" "$bad" >"$work/commands/compile_commands.json"
printf '"-Iinclude", "-Wall", "-c", "%s", "-o", "x.o"]}]\n' "$bad" \
	>>"$work/commands/compile_commands.json"
expect 1 "array_across_an_await.c:33:.*'text'" -p "$work/commands" "$bad"
expect 1 "array_across_an_await.c:33:.*'text'" -p "$work/commands"
expect 2 'nothing_wrong.c: .*has no command for it' -p "$work/commands" "$good"
# A file that cannot be read does not keep the others from being checked.
expect 2 "array_across_an_await.c:33:.*'text'" no_such_file.c "$bad" -- \
	-Iinclude
echo 'nonsense' >"$work/commands/compile_commands.json"
expect 2 'is no list of compile commands that can be read' -p "$work/commands"
exit "$result"
