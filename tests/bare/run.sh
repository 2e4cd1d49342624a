#!/bin/sh
# Builds src/core alone, freestanding and without any library, over the port of port.c (at most 80 lines), and runs it.
#	run.sh CC FOLDER
set -eu
cc=$1 folder=$2
cd -- "$(dirname -- "$0")/../.."
[ "$(uname -m)" = x86_64 ] || {
	echo "skipped: the test's own start and system calls are x86-64"
	exit 77
}
lines=$(sed -e '/^[[:space:]]*$/d' -e '/^#include/d' -e '/^\/\*.*\*\/$/d' tests/bare/port.c | wc -l)
[ "$lines" -le 80 ] || {
	echo "the port has $lines lines of code, more than 80" >&2
	exit 1
}
mkdir -p "$folder"
"$cc" -std=gnu11 -O1 -Wall -Wextra -Werror -DBIDE_FREESTANDING -ffreestanding -nostdlib -static -fno-stack-protector \
	-fno-pic -Iinclude -Isrc -Itests/bare -o "$folder/bare" tests/bare/main.c tests/bare/port.c src/core/*.c
"$folder/bare"
