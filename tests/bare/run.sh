#!/bin/sh
# Builds the rooms of src that need only the port, freestanding and without any library, on the port of port.c (at most
# 80 lines), and runs the program.
#	run.sh CC FOLDER [EMULATOR...]
set -eu
cc=$1 folder=$2
shift 2
cd -- "$(dirname -- "$0")/../.."
machine=$("$cc" -dumpmachine)
flags='' libraries=''
case $machine in
x86_64-*) ;;
riscv64-*) libraries=-lgcc ;; # the base instructions count no zeroes
aarch64-*) flags=-mno-outline-atomics ;; # whose functions are in libgcc, and ask libc for the processor
*)
	echo "skipped: the test's own start and system calls are not written for $machine"
	exit 77
	;;
esac
lines=$(sed -e '/^[[:space:]]*$/d' -e '/^#include/d' -e '/^\/\*$/,/^ \*\/$/d' -e '/^\/\*.*\*\/$/d' tests/bare/port.c | wc -l)
[ "$lines" -le 80 ] || {
	echo "the port has $lines lines of code, more than 80" >&2
	exit 1
}
mkdir -p "$folder"
# shellcheck disable=SC2086 # both may be empty
"$cc" -std=gnu11 $flags -O1 -Wall -Wextra -Werror -DBIDE_FREESTANDING -ffreestanding -nostdlib -static -fno-stack-protector \
	-fno-pic -Iinclude -Isrc -Itests/bare -o "$folder/bare" tests/bare/main.c tests/bare/port.c \
	src/base/*.c src/memory/*.c src/source/*.c src/cancel/*.c src/context/*.c src/async/*.c \
	src/tasks/*.c src/ops/*.c \
	$libraries
"$@" "$folder/bare"
