#!/bin/sh
# fetch.sh [EMULATOR] PROGRAM: the example against python's server: many pages at once, a missing one, a dead server.
set -u

command -v python3 >/dev/null 2>&1 || { echo "SKIP example_fetch: python3 is not installed" && exit 77; }
work=$(mktemp -d) || exit 1
server=
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0
fail() {
	echo "fetch: $*"
	failed=1
}

mkdir "$work/www"
head -c 3000000 /dev/zero >"$work/www/large"
echo hello >"$work/www/small"
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 >"$work/port" 2>"$work/log" &
server=$!
for _ in $(seq 300); do
	port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/port")
	[ -z "$port" ] || break
	sleep 0.1
done
[ -n "$port" ] || { cat "$work/log" && exit 1; }
url=http://127.0.0.1:$port

"$@" $(seq -f "$url/small?%.0f" 30) "$url/large" >"$work/out" 2>&1 || fail "status $?: $(cat "$work/out")"
[ "$(grep -c ': status 200, 6 bytes$' "$work/out")" = 30 ] || fail "not 30 small pages: $(cat "$work/out")"
grep -q '/large: status 200, 3000000 bytes$' "$work/out" || fail "no large page: $(cat "$work/out")"
"$@" "$url/none" >"$work/out" 2>&1 && fail "a missing page is no failure"
grep -q ': status 404, ' "$work/out" || fail "no status 404: $(cat "$work/out")"
kill "$server"
wait "$server" 2>/dev/null
"$@" "$url/small" >"$work/out" 2>&1 && fail "a dead server is no failure"
grep -q "connect" "$work/out" || fail "the dead server is not named: $(cat "$work/out")"
exit $failed
