#!/bin/sh
# peers.sh PEER: connections to and from programs of others: socat, nc. What is missing is left out, and said.
set -u
peer=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0 done=0

complain() {
	echo "$*" >&2
	status=1
}

# Starts an echo server for so many connections; sets $server and $address.
begin() {
	rm -f "$work/server" # the address of the server before
	"$peer" echo "$1" "$2" >"$work/server" 2>"$work/server.errors" &
	server=$!
	address=
	while [ -z "$address" ]; do
		kill -0 "$server" 2>/dev/null || { complain "the server of $1 has ended"; return 1; }
		address=$(sed -n 's/^listening on //p' "$work/server" 2>/dev/null)
		[ -n "$address" ] || sleep 0.05
	done
}

finish() {
	wait "$server" || complain "the server of $1: status $?"
}

same() {
	cmp -s "$work/sent" "$2" || complain "$1: what came back differs"
	done=$((done + 1))
}

has() {
	command -v "$1" >/dev/null 2>&1 || { echo "left out: $1 is missing"; return 1; }
}

head -c 300000 /dev/urandom >"$work/sent"

if has socat; then
	if begin 127.0.0.1:0 3; then
		# The end of the input is a half-close; the echo comes after it, too.
		socat -t 30 - "TCP:$address" <"$work/sent" >"$work/got"
		same "socat, TCP" "$work/got"
		socat -u OPEN:/dev/null "TCP:$address,linger=0" # goes away at once
		"$peer" send "$address" <"$work/sent" >"$work/got"
		same "itself, TCP" "$work/got"
		finish TCP
	fi
	if begin "unix:$work/socket" 1; then
		socat -t 30 - "UNIX-CONNECT:$work/socket" <"$work/sent" >"$work/got"
		same "socat, UNIX" "$work/got"
		finish UNIX
	fi
	if begin "@bide-peers-$$" 1; then
		socat -t 30 - "ABSTRACT-CONNECT:bide-peers-$$" <"$work/sent" >"$work/got"
		same "socat, abstract" "$work/got"
		finish abstract
	fi
	# The other way round. socat removes a socket's file that it finds, and makes it before it listens.
	socat -t 30 "UNIX-LISTEN:$work/other" EXEC:cat 2>"$work/socat.errors" &
	server=$!
	tries=0
	until "$peer" send "$work/other" <"$work/sent" >"$work/got" 2>"$work/errors"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { cat "$work/errors" >&2; break; }
		sleep 0.05
	done
	same "to socat, UNIX" "$work/got"
	finish socat
fi
if has nc && nc -h 2>&1 | grep -q -- '-N'; then
	if begin 127.0.0.1:0 1; then
		nc -N 127.0.0.1 "${address##*:}" <"$work/sent" >"$work/got"
		same "nc" "$work/got"
		finish nc
	fi
fi
echo "peers: $done exchanges"
[ $done -gt 0 ] || { echo "SKIP peers: neither socat nor nc is installed"; exit 77; }
exit $status
