#!/bin/sh
# http_nginx.sh SERVER: nginx as a proxy before the file server.
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
nginx=$(command -v nginx || { [ ! -x /usr/sbin/nginx ] || echo /usr/sbin/nginx; })
[ -n "$nginx" ] || skip "nginx is not installed"
has curl || skip "curl is not installed"
make_files
start_server "$1"

cat >"$work/nginx.conf" <<CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/error.log warn;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
	uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
	upstream files { server 127.0.0.1:$port; keepalive 16; }
	server {
		listen unix:$work/proxy;
		location / {
			proxy_pass http://files;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}
}
CONF
"$nginx" -p "$work" -c "$work/nginx.conf" -e "$work/error.log" 2>"$work/nginx.log" &
proxy=$!
for _ in $(seq 300); do
	[ ! -S "$work/proxy" ] || break
	sleep 0.1
done
[ -S "$work/proxy" ] || fail "nginx does not begin: $(cat "$work/nginx.log" "$work/error.log")"

get() {
	curl -s --unix-socket "$work/proxy" "$@"
}

for i in $(seq 100); do
	same "small file $i" small "$(get "http://a/small.txt?$i")"
done
get http://a/large.bin | cmp -s - "$work/www/large.bin" || fail "the large file is not the same"
same "a part" 100 "$(get -r 100-199 http://a/large.bin | wc -c | tr -d ' ')"
same "a missing file" 404 "$(get -o /dev/null -w '%{http_code}' http://a/none)"
same "a list" 1 "$(get http://a/sub/ | grep -c 'a b.txt')"
same "a client that goes away" 1000 "$(get http://a/large.bin | head -c 1000 | wc -c | tr -d ' ')"
same "the next one" small "$(get http://a/small.txt)"
kill "$proxy"
wait "$proxy" 2>/dev/null
grep -E '\[(error|crit|alert)\]' "$work/error.log" | grep -v 'client .*closed' && fail "nginx found errors"
stop_server
exit $failed
