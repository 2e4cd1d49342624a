# What the scripts share: a folder to work in, and the server of examples/http_files in it. Sourced.
# shellcheck shell=sh disable=SC2034 # failed is used by those who source this

has() {
	command -v "$1" >/dev/null 2>&1
}

# skip REASON: ends the script.
skip() {
	echo "SKIP ${0##*/}: $*"
	exit 77
}

work=$(mktemp -d) || exit 1
server='' port='' failed=0

fail() {
	echo "${0##*/}: $*"
	failed=1
}

# same WHAT EXPECTED GOT
same() {
	[ "$2" = "$3" ] || fail "$1: expected \"$2\", got \"$3\""
}

# The server must end by SIGTERM, with status 0, having said nothing that is wrong.
stop_server() {
	[ -n "$server" ] || return 0
	kill "$server"
	wait "$server" || fail "the server ended with status $?"
	server=
	[ "$(wc -l <"$work/server.log")" = 1 ] || fail "the server said: $(cat "$work/server.log")"
}

finish() {
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# start_server PROGRAM [OPTION...]: serves $work/www, and sets server and port.
start_server() {
	program=$1
	shift
	rm -f "$work/server.log" # what an earlier server said
	"$program" --port 0 "$@" "$work/www" >"$work/access.log" 2>"$work/server.log" &
	server=$!
	wait_for_port
}

# wait_for_port: until the server that was started has said its port.
wait_for_port() {
	port=
	for _ in $(seq 600); do
		port=$(sed -n 's|.*https\{0,1\}://127\.0\.0\.1:\([0-9]*\)/ serves.*|\1|p' "$work/server.log")
		[ -z "$port" ] || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	fail "the server does not begin: $(cat "$work/server.log")"
	exit 1
}

# descriptors: how many sockets and files the server has open. Each worker opens what it needs for itself, in time.
descriptors() {
	find "/proc/$server/fd" -type l -printf '%l\n' 2>/dev/null | grep -vc '^anon_inode:'
}

# settled N: waits until the server has N descriptors again.
settled() {
	for _ in $(seq 300); do
		[ "$(descriptors)" != "$1" ] || return 0
		sleep 0.1
	done
	fail "the server has $(descriptors) descriptors, and had $1"
}

make_files() {
	mkdir -p "$work/www/sub/deep"
	echo '<p>index</p>' >"$work/www/index.html"
	echo small >"$work/www/small.txt"
	: >"$work/www/empty"
	echo blank >"$work/www/sub/a b.txt"
	head -c 5000000 /dev/urandom >"$work/www/large.bin"
	echo secret >"$work/secret"
	ln -s ../secret "$work/www/link"
}
