#!/bin/sh
# streams.sh NETCAT: bide's streams against socat, nc, nginx and python's server: half-closed connections, UNIX and abstract
# sockets, a terminal, resets, and a client with keep-alive.
# shellcheck disable=SC2317,SC2094 # the functions are called by the names of the tools; cmp reads a file that is read
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
netcat=$1
head -c 3000000 /dev/urandom >"$work/large"
did=0

# wait_for COMMAND...: until it succeeds, for a minute at most.
wait_for() {
	for _ in $(seq 600); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	fail "in vain: $*"
	return 1
}

# listen INPUT HOW WHERE: starts netcat with an empty log, and waits until the log says that it listens.
listen() {
	rm -f "$work/log"
	"$netcat" "$2" "$3" <"$1" >"$work/got" 2>"$work/log" &
	mine=$!
	wait_for grep -q listens "$work/log" && return
	kill "$mine"
	return 1
}

socat_tests() {
	# A server of socat that sends back what it got when its client has ended its side.
	socat "UNIX-LISTEN:$work/echo,fork" EXEC:'tac' 2>"$work/socat.log" &
	echo_server=$!
	wait_for test -S "$work/echo" || return
	same "half-closed, UNIX" "b a " "$(printf 'a\nb\n' | "$netcat" unix "$work/echo" | tr '\n' ' ')"
	kill "$echo_server"
	socat "ABSTRACT-LISTEN:bide-$$,fork" EXEC:cat 2>"$work/socat.log" &
	echo_server=$!
	wait_for grep -q "@bide-$$\$" /proc/net/unix || return
	"$netcat" unix "@bide-$$" <"$work/large" | cmp -s - "$work/large" || fail "abstract: not the same"
	kill "$echo_server"

	# bide listens.
	listen "$work/large" listen-unix "$work/mine" || return
	echo question | socat -t 30 - "UNIX-CONNECT:$work/mine" | cmp -s - "$work/large" || fail "listen-unix: not the same"
	wait "$mine" || fail "listen-unix: status $?: $(cat "$work/log")"
	same "listen-unix" question "$(cat "$work/got")"

	# A terminal: lines come when they are whole; the end of the other side is an error or the end.
	socat "PTY,link=$work/pty,raw,echo=0,wait-slave" EXEC:'sed -u s/^/got-/' 2>"$work/socat.log" &
	terminal=$!
	wait_for test -e "$work/pty" || return
	mkfifo "$work/in"
	"$netcat" device "$work/pty" <"$work/in" >"$work/got" 2>"$work/log" &
	mine=$!
	exec 3>"$work/in"
	echo hello >&3
	wait_for grep -qx 'got-hello' "$work/got"
	exec 3>&-
	kill "$terminal"
	wait "$mine"
	rm "$work/in"

	# A reset in place of an end.
	listen /dev/null listen-tcp 0 || return
	port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/log")
	(echo some && sleep 1) | socat -u - "TCP:127.0.0.1:$port,linger=0" 2>/dev/null
	wait "$mine"
	same "a reset: bytes" some "$(cat "$work/got")"
	grep -Eq 'reset|^listens' "$work/log" || fail "a reset: $(cat "$work/log")"
}

nc_tests() {
	listen "$work/large" listen-tcp 0 || return
	port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$work/log")
	echo hello | nc -N 127.0.0.1 "$port" | cmp -s - "$work/large" || fail "nc as client: not the same"
	wait "$mine" || fail "nc as client: status $?: $(cat "$work/log")"
	same "nc as client" hello "$(cat "$work/got")"
	"$netcat" tcp 127.0.0.1 "$port" </dev/null >"$work/got" 2>"$work/log" && fail "a dead server is no failure"
	grep -qi refused "$work/log" || fail "a dead server: $(cat "$work/log")"
	# It ends when its client's side has ended, and may not have sent all by then.
	nc -lU "$work/nc" </dev/null >"$work/got" &
	other=$!
	wait_for test -S "$work/nc" || return
	"$netcat" unix "$work/nc" <"$work/large" >/dev/null 2>"$work/log" || fail "nc as server: $(cat "$work/log")"
	wait "$other"
	cmp -s "$work/got" "$work/large" || fail "nc as server: not the same"
}

# gets PORT WHO: whole files and many on one connection.
gets() {
	"$netcat" get 127.0.0.1 "$1" /large 1 | cmp -s - "$work/www/large" || fail "$2: a large file is not the same"
	"$netcat" get 127.0.0.1 "$1" /none 1 >/dev/null 2>"$work/log" && fail "$2: a missing file is no failure"
	printf 'GET /small HTTP/1.0\r\n\r\n' | "$netcat" tcp localhost "$1" | tail -n 1 | grep -qx hello ||
		fail "$2: HTTP/1.0"
}

www() {
	mkdir -p "$work/www"
	cp "$work/large" "$work/www/large"
	echo hello >"$work/www/small"
	chmod 755 "$work" "$work/www"
	chmod 644 "$work/www/"*
}

python_tests() {
	www
	python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 >"$work/port" 2>/dev/null &
	other=$!
	wait_for grep -q ' port [0-9]' "$work/port" || return
	gets "$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/port")" "python"
	kill "$other"
}

nginx_tests() {
	www
	port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	cat >"$work/nginx.conf" <<CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log warn;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
	uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
	server { listen 127.0.0.1:$port; root $work/www; keepalive_requests 10000; }
}
CONF
	"$nginx" -p "$work" -c "$work/nginx.conf" -e "$work/error.log" 2>"$work/log" &
	other=$!
	wait_for test -s "$work/nginx.pid" || return
	gets "$port" "nginx"
	same "nginx: 500 on one connection" 500 "$("$netcat" get 127.0.0.1 "$port" /small 500 | grep -cx hello)"
	kill "$other"
}

for tool in socat nc python3; do
	if has "$tool"; then
		"${tool%3}_tests"
		did=$((did + 1))
	else
		echo "$tool is not installed: left out"
	fi
done
nginx=$(command -v nginx || { [ ! -x /usr/sbin/nginx ] || echo /usr/sbin/nginx; })
if [ -n "$nginx" ] && has python3; then
	nginx_tests
	did=$((did + 1))
else
	echo "nginx or python3 is not installed: left out"
fi
[ "$did" -gt 0 ] || skip "neither socat, nc, python3 nor nginx is installed"
exit $failed
