#!/bin/sh
# query.sh [EMULATOR] PROGRAM: the example against a PostgreSQL of its own, on a UNIX socket. Skipped without a server.
set -u

for binaries in $(command -v pg_ctl | sed 's|/pg_ctl$||') /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
	[ ! -x "$binaries/initdb" ] || break
done
[ -x "$binaries/initdb" ] || { echo "SKIP example_query: there is no PostgreSQL server" && exit 77; }
# The server refuses to run as root.
as=
if [ "$(id -u)" = 0 ]; then
	if ! id postgres >/dev/null 2>&1 || ! command -v runuser >/dev/null 2>&1; then
		echo "SKIP example_query: PostgreSQL does not run as root"
		exit 77
	fi
	as="runuser -u postgres --"
fi
work=$(mktemp -d) || exit 1
[ -z "$as" ] || chown postgres "$work"
chmod 755 "$work"
failed=0
fail() {
	echo "query: $*"
	failed=1
}
# shellcheck disable=SC2317 # the trap calls it
finish() {
	$as "$binaries/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

cd / || exit 1
$as "$binaries/initdb" -D "$work/data" -A trust -U postgres --no-sync >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
$as "$binaries/pg_ctl" -D "$work/data" -w -t 120 -l "$work/data/log" \
	-o "-k $work -h '' -F -c max_connections=40" start >"$work/log" 2>&1 || { cat "$work/log" "$work/data/log" && exit 1; }
where="host=$work dbname=postgres user=postgres"

"$@" "$where" "select 6 * 7" "select 'a' || 'b'; select 3" >"$work/out" 2>&1 || fail "status $?: $(cat "$work/out")"
for line in 42 ab 3; do
	grep -qx "$line" "$work/out" || fail "no $line in: $(cat "$work/out")"
done
# Twenty queries that wait half a second each: one after the other they would take ten seconds.
set -- "$@" "$where"
begin=$(date +%s)
for _ in $(seq 20); do
	set -- "$@" "select pg_sleep(0.5)"
done
"$@" >"$work/out" 2>&1 || fail "status $?: $(cat "$work/out")"
[ $(($(date +%s) - begin)) -lt 9 ] || fail "the queries did not run at the same time"
# A query and an answer that fit into no buffer of a socket.
while [ $# -gt 2 ] && [ "$1" != "$where" ]; do
	program="${program:-} $1"
	shift
done
$program "$where" "select length('$(head -c 100000 /dev/zero | tr '\0' x)')" "select repeat('y', 3000000)" >"$work/out" 2>&1 ||
	fail "status $?"
grep -qx 100000 "$work/out" || fail "the long query was not answered"
[ "$(wc -c <"$work/out")" -gt 3000000 ] || fail "the long answer is cut"
$program "$where" "select nonsense" >"$work/out" 2>&1 && fail "a wrong query is no failure"
grep -q nonsense "$work/out" || fail "the wrong query is not named: $(cat "$work/out")"
$program "host=$work/none" "select 1" >"$work/out" 2>&1 && fail "no server is no failure"
exit $failed
