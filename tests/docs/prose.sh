#!/bin/sh
# prose.sh: documents and comments have none of the words that tools/prose.sh refuses, and it refuses them.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0

tools/prose.sh || status=1
# refuses NAME TEXT: the text must be refused as a comment of that file.
refuses() {
	printf 'int who;\n/*\n * %s\n */\n' "$2" >"$work/$1"
	if tools/prose.sh "$work/$1" >/dev/null; then
		echo "not refused in $1: $2"
		status=1
	fi
}

# accepts NAME TEXT: the text must pass as a comment of that file.
accepts() {
	printf '/* %s */\n' "$2" >"$work/$1"
	tools/prose.sh "$work/$1" || status=1
}

for text in 'whoever completes it' 'Nobody waits.' 'his locks' 'the one who waits' 'NULL: no memory.' 'Gives NULL.'; do
	refuses bad.h "$text"
	refuses bad.c "$text"
done
for text in 'readers who know C#' 'true: the last' 'Drops it. False: it is gone.' "a loop of one's own" 'a foreign thread' \
	'so many of them' 'see src/core'; do
	refuses bad.c "$text"
done
for text in 'readers who know C#' 'It gives you a reference.' 'the thread that waits' 'This holds here.'; do
	accepts good.h "$text"
done
# shellcheck disable=SC2016 # no command is meant
for text in 'the value of `who`' 'the thread that waits' 'Returns true if so.' 'waits so much longer'; do
	accepts good.c "$text"
done
exit "$status"
