#!/bin/sh
# http_wrk.sh SERVER: wrk with 64 and 1,000 connections. No request may fail.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has wrk || skip "wrk is not installed"
make_files
# shellcheck disable=SC3045 # every sh has it
ulimit -n 4096 2>/dev/null || ulimit -n "$(ulimit -Hn)"
# shellcheck disable=SC3045
[ "$(ulimit -n)" -ge 2200 ] || skip "only $(ulimit -n) descriptors are allowed"
start_server "$1"
before=$(descriptors)
for connections in 64 1000; do
	wrk -t 2 -c "$connections" -d 3 --timeout 30 "http://127.0.0.1:$port/small.txt" >"$work/wrk" 2>&1 ||
		fail "wrk: $(cat "$work/wrk")"
	grep -E '^ *(Socket errors|Non-2xx)' "$work/wrk" && fail "$connections connections: $(cat "$work/wrk")"
	echo "$connections connections: $(sed -n 's/^Requests.sec: *//p' "$work/wrk") requests a second"
done
settled "$before"
stop_server
exit $failed
