#!/bin/sh
# http_curl.sh SERVER: curl asks the file server: whole files, parts, conditions, many on one connection, slowly.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has curl || skip "curl is not installed"
make_files
start_server "$1"
before=$(descriptors)
url=http://127.0.0.1:$port
www=$work/www

# status PATH [OPTION...]: the status of the answer.
status() {
	path=$1
	shift
	curl -s -o "$work/body" -w '%{http_code}' --path-as-is "$@" "$url$path"
}

same "the index" 200 "$(status /)"
cmp -s "$work/body" "$www/index.html" || fail "the index is not index.html"
same "a small file" 200 "$(status /small.txt)"
same "an empty file" 200 "$(status /empty)"
same "a name with a blank" 200 "$(status '/sub/a%20b.txt?query')"
same "a folder" 301 "$(status /sub)"
same "a folder" 200 "$(status /sub/)"
grep -q '<a href="./a%20b.txt">a b.txt</a>' "$work/body" || fail "the list lacks a name: $(cat "$work/body")"
same "a missing file" 404 "$(status /none)"
same "a file as a folder" 404 "$(status /small.txt/)"
same "a link that leads out" 404 "$(status /link)"
same "a path that leads out" 400 "$(status /../secret)"
same "an encoded path that leads out" 400 "$(status /%2e%2e/secret)"
same "POST" 405 "$(status / -d x)"
same "OPTIONS" 405 "$(status / -X OPTIONS)"
same "a large head" 431 "$(status / -H "X: $(head -c 20000 /dev/zero | tr '\0' x)")"
same "a long target" 414 "$(status "/$(head -c 5000 /dev/zero | tr '\0' x)")"
same "HEAD" 200 "$(status /small.txt -I)"
grep -qi '^content-length: 6' "$work/body" || fail "HEAD: $(cat "$work/body")"

same "a large file" 200 "$(status /large.bin)"
cmp -s "$work/body" "$www/large.bin" || fail "the large file is not the same"
same "a part" 206 "$(status /large.bin -r 1000000-1999999)"
tail -c +1000001 "$www/large.bin" | head -c 1000000 | cmp -s - "$work/body" || fail "the part is not the same"
same "the end" 206 "$(status /large.bin -r -100)"
tail -c 100 "$www/large.bin" | cmp -s - "$work/body" || fail "the end is not the same"
same "a part outside" 416 "$(status /small.txt -r 100-)"
head -c 2000000 "$www/large.bin" >"$work/body"
curl -s -C - -o "$work/body" "$url/large.bin"
cmp -s "$work/body" "$www/large.bin" || fail "a transfer cannot be continued"

tag=$(curl -sI "$url/small.txt" | tr -d '\r' | sed -n 's/^ETag: //p')
same "the tag that is known" 304 "$(status /small.txt -H "If-None-Match: $tag")"
same "another tag" 200 "$(status /small.txt -H 'If-None-Match: "x"')"
same "a date" 304 "$(status /small.txt -z "$www/small.txt")"
same "HTTP/1.0" 200 "$(status /small.txt -0)"

# Two hundred requests on one connection.
set -- curl -s -w '%{num_connects}\n' -o /dev/null
for i in $(seq 200); do
	set -- "$@" "$url/small.txt?$i"
done
same "connections for 200 requests" 1 "$("$@" -o /dev/null | grep -c '^1$')"
# A client that reads slowly gets all of it, as does one without a buffer of its own.
head -c 300000 "$www/large.bin" >"$www/middle.bin"
curl -s --limit-rate 200K -o "$work/body" "$url/middle.bin"
cmp -s "$work/body" "$www/middle.bin" || fail "a slow client does not get all of it"
curl -sN "$url/large.bin" | cmp -s - "$www/large.bin" || fail "curl -N does not get all of it"
# Clients that go away in the middle.
for _ in $(seq 20); do
	curl -s -m 5 "$url/large.bin" | head -c 1000 >/dev/null
done
settled "$before"
stop_server
exit $failed
