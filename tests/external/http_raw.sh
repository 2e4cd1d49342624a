#!/bin/sh
# http_raw.sh SERVER: requests by nc and socat: many at once on one connection, half-closed, reset, and an orderly end of
# the server while clients are there.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has nc || skip "nc is not installed"
make_files
start_server "$1" --log
before=$(descriptors)

# ask TEXT: what the server answers before it ends the connection.
ask() {
	# shellcheck disable=SC2059 # it has escapes
	printf "$1" | nc -N -w 30 127.0.0.1 "$port"
}

one='GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n'
last='GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
same "three at once" 3 "$(ask "$one$one$last" | grep -c '^small$')"
same "what comes after the last one is left" 1 "$(ask "$last$one$one" | grep -c '^small$')"
same "the client's side has ended" 2 "$(ask "$one$one" | grep -c '^small$')"
same "HTTP/1.0" 1 "$(ask 'GET /small.txt HTTP/1.0\r\n\r\n' | grep -c '^small$')"
same "a body is dropped" 2 "$(ask "GET /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /$last" | grep -c '^small$')"
same "blank lines before it" 1 "$(ask "\r\n\r\n$last" | grep -c '^small$')"
same "no host" "HTTP/1.1 400 Bad Request" "$(ask 'GET / HTTP/1.1\r\n\r\n' | head -n 1 | tr -d '\r')"
same "another version" "HTTP/1.1 505 HTTP Version Not Supported" \
	"$(ask 'GET / HTTP/3.0\r\nHost: a\r\n\r\n' | head -n 1 | tr -d '\r')"
same "nothing" "" "$(ask '')"
many=
for _ in $(seq 500); do
	many=$many$one
done
same "500 at once" 500 "$(ask "$many" | grep -c '^small$')"
if has socat; then
	# A reset instead of an end, before the answer, and in the middle of one.
	for size in 0 10 100000; do
		printf 'GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n' |
			socat -t 5 - "TCP:127.0.0.1:$port,linger=0" 2>/dev/null | head -c "$size" >/dev/null
	done
	same "after a reset" 1 "$(ask "$last" | grep -c '^small$')"
else
	echo "socat is not installed: no resets"
fi
settled "$before"
grep -q '^127\.0\.0\.1:[0-9]* - - \[.*\] "GET /small.txt HTTP/1.1" 200 6$' "$work/access.log" ||
	fail "the log has no such line: $(head -n 3 "$work/access.log")"

# The end: a connection without a request is ended at once, an answer that has begun arrives.
mkfifo "$work/silent"
nc -w 60 127.0.0.1 "$port" <"$work/silent" >/dev/null &
silent=$!
exec 3>"$work/silent"
if has curl; then
	curl -s --limit-rate 3M -o "$work/body" "http://127.0.0.1:$port/large.bin" &
	slow=$!
	for _ in $(seq 100); do
		[ ! -s "$work/body" ] || break
		sleep 0.1
	done
fi
begin=$(date +%s)
stop_server
end=$(date +%s)
exec 3>&-
wait "$silent"
[ $((end - begin)) -lt 9 ] || fail "the server waited for a silent client"
if has curl; then
	wait "$slow" || fail "the answer under way was cut"
	cmp -s "$work/body" "$work/www/large.bin" || fail "the answer under way is not the same"
fi
exit $failed
