#!/bin/sh
# udp.sh NETCAT: bide's datagrams against socat, in both directions, of several sizes.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
netcat=$1
has socat || skip "socat is not installed"

# wait_for COMMAND...: until it succeeds, for a minute at most.
wait_for() {
	for _ in $(seq 600); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	fail "in vain: $*"
	return 1
}

# socat asks, and bide answers.
sizes="1 1000 8000"
"$netcat" listen-udp 3 2>"$work/log" &
mine=$!
wait_for grep -q listens "$work/log" || exit 1
port=$(sed 's/.*://' "$work/log")
for size in $sizes; do
	head -c "$size" /dev/urandom >"$work/asked"
	# socat waits for the answer, and ends when nothing comes any more.
	socat -T 2 -b 65536 - "UDP4:127.0.0.1:$port,shut-none" <"$work/asked" >"$work/got" 2>"$work/socat.log"
	cmp -s "$work/asked" "$work/got" || fail "an answer of $size bytes is not the same: $(cat "$work/socat.log")"
done
wait "$mine" || fail "listen-udp: status $?: $(cat "$work/log")"

# bide asks, and socat answers, at a port that is free.
for try in 1 2 3 4 5; do
	port=$((20000 + ($$ * 7 + try * 1009) % 20000))
	socat -b 65536 "UDP4-RECVFROM:$port,bind=127.0.0.1,fork" EXEC:cat 2>"$work/socat.log" &
	echo_server=$!
	for _ in $(seq 50); do
		! grep -q "$(printf '0100007F:%04X' "$port")" /proc/net/udp || break
		sleep 0.1
	done
	kill -0 "$echo_server" 2>/dev/null && break
done
for size in $sizes; do
	head -c "$size" /dev/urandom >"$work/asked"
	"$netcat" udp "127.0.0.1:$port" <"$work/asked" >"$work/got" 2>"$work/log" || fail "udp: $(cat "$work/log")"
	cmp -s "$work/asked" "$work/got" || fail "a question of $size bytes: the answer is not the same"
done
kill "$echo_server"
wait "$echo_server" 2>/dev/null
exit "$failed"
