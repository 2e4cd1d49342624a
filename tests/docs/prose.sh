#!/bin/sh
# prose.sh: headers and documents do without the words that tools/prose.sh refuses, and it refuses them.
set -u

cd -- "$(dirname -- "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0

tools/prose.sh || status=1
for text in 'whoever completes it' 'Nobody waits.' 'his locks' 'the one who waits' 'NULL: no memory.' 'Gives NULL.'; do
	printf '/* %s */\n' "$text" >"$work/bad.h"
	if tools/prose.sh "$work/bad.h" >/dev/null; then
		echo "not refused: $text"
		status=1
	fi
done
for text in 'readers who know C#' 'It gives you a reference.' 'the thread that waits' 'This holds here.'; do
	printf '/* %s */\n' "$text" >"$work/good.h"
	tools/prose.sh "$work/good.h" || status=1
done
exit "$status"
