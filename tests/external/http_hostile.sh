#!/bin/sh
# http_hostile.sh SERVER: clients that send garbage, floods, or nothing, and more of them than are allowed. The server
# must go on and answer the next client.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has python3 || skip "python3 is not installed"
make_files
truncate -s 100000000 "$work/www/huge.bin"
start_server "$1" --idle 2 --request 1 --limit 64
before=$(descriptors)
python3 "$(dirname -- "$0")/hostile.py" "$port" || fail "hostile.py: status $?"
kill -0 "$server" 2>/dev/null || fail "the server has ended"
settled "$before"
stop_server
exit $failed
