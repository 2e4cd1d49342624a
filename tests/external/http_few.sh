#!/bin/sh
# http_few.sh SERVER: the file server with few descriptors, with a log that nothing reads, and without standard output.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has curl || skip "curl is not installed"
make_files

# get COUNT: as many requests at the same time; prints how many were answered.
get() {
	set -- "$1" "http://127.0.0.1:$port/small.txt?[1-$1]"
	curl -s -Z --no-progress-meter --parallel-max 20 -m 60 --no-keepalive -H 'Connection: close' "$2" | grep -c '^small$'
}

# Descriptors for two or three clients at a time. The others wait.
few=$work/few.sh
cat >"$few" <<'SCRIPT'
#!/bin/sh
ulimit -n 20
exec "$@"
SCRIPT
chmod +x "$few"
rm -f "$work/server.log"
"$few" "$1" --port 0 --workers 2 "$work/www" >/dev/null 2>"$work/server.log" &
server=$!
wait_for_port
same "with 20 descriptors" 30 "$(get 30)"
kill "$server"
wait "$server" || fail "with few descriptors the server ended with status $?"
server=

# The reader of the log goes away: the server goes on, without a signal.
mkfifo "$work/log"
(head -n 1 <"$work/log" >/dev/null) &
rm -f "$work/server.log"
"$1" --port 0 --log "$work/www" >"$work/log" 2>"$work/server.log" &
server=$!
wait_for_port
same "with a broken pipe as log" 60 "$(get 60)"
stop_server

# A log that nothing reads: it must not hold up a worker, nor the end.
# shellcheck disable=SC2217 # it holds the pipe open, and does not read it
sleep 600 <"$work/log" &
sleeper=$!
rm -f "$work/server.log"
"$1" --port 0 --log "$work/www" >"$work/log" 2>"$work/server.log" &
server=$!
wait_for_port
same "with a full pipe as log" 2000 "$(get 2000)"
kill "$server"
wait "$server" || fail "with a full pipe the server ended with status $?"
server=
grep -q 'lines of the log were dropped' "$work/server.log" || fail "the lost lines are not told: $(cat "$work/server.log")"
kill "$sleeper"
exit $failed
